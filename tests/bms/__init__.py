"""What is on the wire against what the client makes of it, byte by byte."""
