# syntax=docker/dockerfile:1
# API, migration and workers: two images that share every layer but the last.
ARG PYTHON_TAG=3.11-slim-bookworm

FROM python:${PYTHON_TAG} AS build
# An index of torch builds to take instead of PyPI's (CUDA on Linux): the CPU-only builds are a tenth of the size.
ARG TORCH_INDEX=""
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PATH=/opt/venv/bin:$PATH
RUN python -m venv /opt/venv
WORKDIR /app
# Dependencies first: this layer is built again only when what is depended on changes.
COPY pyproject.toml constraints.txt ./
COPY docker/requirements.py docker/
RUN --mount=type=cache,target=/root/.cache/pip \
    python docker/requirements.py service > requirements.txt \
    && if [ -n "$TORCH_INDEX" ]; then pip install --no-deps --index-url "$TORCH_INDEX" -c constraints.txt torch torchvision; fi \
    && pip install -c constraints.txt -r requirements.txt
COPY README.md LICENSE setup.py ./
COPY mgic mgic
COPY backend backend
COPY worker worker
COPY dashboard dashboard
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --no-deps -e . && python -m compileall -q mgic backend worker

FROM python:${PYTHON_TAG} AS runtime
# The same number in every image, so that they can share volumes; no name of the host's.
RUN groupadd --gid 10001 mgic \
    && useradd --uid 10001 --gid mgic --no-create-home --home-dir /tmp --shell /usr/sbin/nologin mgic \
    && install -d -o mgic -g mgic /data /artifacts /scratch \
    && install -d -o 20000 -g 20000 /run/mgic
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
ENV PATH=/opt/venv/bin:$PATH HOME=/tmp PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
USER 10001:10001

FROM runtime AS api
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8000 && printf 'GET /api/v1/health HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n' >&3 && read -r line <&3 && [[ $line == *' 200 '* ]]"]
CMD ["python", "-m", "backend", "--host", "0.0.0.0", "--port", "8000"]

FROM runtime AS worker
ENV MGIC_ALIVE_FILE=/tmp/alive
HEALTHCHECK --interval=20s --timeout=5s --start-period=40s --retries=3 CMD ["sh", "-c", "find \"$MGIC_ALIVE_FILE\" -mmin -0.5 | grep -q ."]
CMD ["python", "-m", "celery", "-A", "worker.app", "worker", "-Q", "cpu", "-c", "1", "--without-gossip", "--without-mingle", "-l", "warning"]
