"""The store in PostgreSQL: any number of nodes on one database."""
