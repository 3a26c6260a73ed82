"""Pictures of stored runs: their data, drawn as SVG in a page and by matplotlib for papers."""
