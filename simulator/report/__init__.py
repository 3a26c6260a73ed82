"""What a result looks like to a person and to other programs: tables, the published silicon beside them, the run folder."""
