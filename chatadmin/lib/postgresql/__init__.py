"""Django's database backend for PostgreSQL, which looks at what waited in the pool before it is used."""
