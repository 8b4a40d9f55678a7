"""Serving: bytes to requests and back (`wire`), the web application (`server`) and its process (`program`)."""
