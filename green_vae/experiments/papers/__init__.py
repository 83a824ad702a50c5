"""What the tables and figures of one paper share."""
