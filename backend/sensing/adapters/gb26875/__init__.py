"""GB/T 26875.3: user information transmission units over TCP. Frames, their meaning, profiles."""
