"""What a result looks like to people and to other programs: tables, published silicon beside them, the run folder."""
