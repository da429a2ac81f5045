# noisefind in a container: images read-only at /data, results at /out. docs/how-to/pipelines.md shows its use.
#
#   docker build -t noisefind .
#   docker build -t noisefind:cuda --build-arg TORCH=cu126 .
#
# This file has not been built on a Docker engine yet, the CUDA build not at all. Without an engine
# tests/test_docker.py runs every line of it but FROM, and then the entry point as another user.

FROM python:3.11-slim

# cpu, or a CUDA version as the PyTorch wheel index spells it
ARG TORCH=cpu
ARG TORCH_INDEX=https://download.pytorch.org/whl

# dependencies: a layer of their own, cached as long as pyproject.toml is the same
WORKDIR /src
COPY pyproject.toml ./
RUN python -c "import tomllib; p = tomllib.load(open('pyproject.toml', 'rb')); print(*p['build-system']['requires'], *p['project']['dependencies'], sep='\n')" > requirements.txt \
 && grep -E '^torch(vision)?>' requirements.txt > torch.txt \
 && python -m pip install --no-cache-dir --index-url "$TORCH_INDEX/$TORCH" -r torch.txt \
 && python -m pip install --no-cache-dir -r requirements.txt

# the code
COPY README.md LICENSE ./
COPY noisefind noisefind/
RUN python -m pip install --no-cache-dir --no-deps --no-build-isolation . \
 && mkdir -p /out \
 && chown 1000:1000 /out

# any other user will do as well (docker run --user): nothing is written but to /out
USER 1000:1000
WORKDIR /out
ENTRYPOINT ["noisefind"]
CMD ["--help"]
