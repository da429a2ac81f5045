"""The backend of Keras, which it reads when it is imported."""

import os

os.environ.setdefault("KERAS_BACKEND", "torch")
