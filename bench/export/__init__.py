"""One person's export measured: through the server, and beside django-import-export as it comes."""
