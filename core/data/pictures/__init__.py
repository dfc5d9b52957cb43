"""Patches as small pictures: how they are drawn, and those drawn once, kept on the disk.

Thumbnails are WebP (quality 88) of 256 pixels. A true-colour patch of 64 pixels takes 5 KiB and 2.7 ms; JPEG takes
0.6 ms and twice the bytes, PNG and lossless WebP three times. As each is drawn once and ahead of time, bytes count:
they cross the network with every page, and 50,000 of them lie on the disk.
"""
