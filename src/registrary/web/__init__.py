"""The edge: bytes in and out, callers told apart, pages rendered."""
