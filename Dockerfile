# A local Remote Manager:  docker build -t digirm-simulator . && docker run --rm -p 127.0.0.1:8080:8080 digirm-simulator --devices 5000
FROM python:3.11-slim

WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY runtime runtime
COPY generated generated
COPY codegen codegen
COPY simulator simulator
COPY explorer explorer
COPY cli cli
# The constraints hold for what builds the package too.
RUN PIP_CONSTRAINT=/src/constraints.txt pip install --no-cache-dir --disable-pip-version-check '.[simulator]' \
    && rm -rf /src/*

RUN useradd --create-home --uid 10001 digirm
USER digirm
WORKDIR /home/digirm

EXPOSE 8080
# All addresses of the container; who reaches it is up to -p.
ENTRYPOINT ["digirm", "simulate", "--host", "0.0.0.0"]
