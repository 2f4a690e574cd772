"""Reference pages and schemas generated from the code: settings, topics, JSON Schema, OpenAPI, AsyncAPI, commands."""
