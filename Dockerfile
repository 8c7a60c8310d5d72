# `--target origin`: the origin in Go alone, for a container with a nano's limits (compose profile `real`, deploy/real).
FROM golang:1.26.0-bookworm AS go
WORKDIR /build
COPY fakes/origin_go/go.mod fakes/origin_go/go.sum ./
RUN go mod download
COPY fakes/origin_go/*.go ./
RUN CGO_ENABLED=0 go build -mod=readonly -trimpath -buildvcs=false -ldflags="-s -w" -o /origin .

FROM alpine:3.22.1 AS origin
COPY --from=go /origin /origin
USER 10001:10001
ENTRYPOINT ["/origin"]

# The suite: load generator, bundled stack, exporter, reports. No compiler and no test tool in the image.
FROM python:3.11.13-slim-bookworm AS build
WORKDIR /build
COPY requirements.lock ./
# The pip is the one that this Python brings, 24.0: a test runs these commands with it.
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --only-binary :all: --require-hashes --requirement requirements.lock

FROM python:3.11.13-slim-bookworm
RUN useradd --uid 10001 --create-home --shell /usr/sbin/nologin resilience \
    && install --directory --owner resilience --group resilience /app/results /run/stack
COPY --from=build /venv /venv
WORKDIR /app
COPY --chown=root:root . .
ENV PATH=/venv/bin:$PATH PYTHONPATH=/app PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER resilience
VOLUME ["/app/results"]
# The web UI, which demands WEB_PASSWORD in the environment here; a command of its own replaces it: docker run … python -m cli attack burst
EXPOSE 8089
CMD ["locust", "-f", "locustfile.py", "--web-host", "0.0.0.0"]
