"""What every page is built from: the application, settings, routers, templates, languages, errors, limits."""
