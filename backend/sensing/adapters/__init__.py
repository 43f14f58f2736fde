"""One pure function per protocol: a message's bytes in, readings, events or rejections out."""
