"""Reference fixtures of the Qwen-Image-Edit stack, one module per part; fixtures.py runs them."""
