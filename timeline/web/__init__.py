"""The door of HTTP: the API, the pages, the feeds. It decides nothing: it reads a request, asks, and answers."""
