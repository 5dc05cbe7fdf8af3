"""Where audio comes from: each source is an iterable of float32 blocks. The only place with threads and devices."""
