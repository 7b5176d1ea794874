"""One module per endpoint: from an ``HttpRequest`` through a use case to an ``HttpResponse``."""
