# syntax=docker/dockerfile:1
# The dashboard: it speaks HTTP to the API, and holds neither torch nor a database driver.
ARG PYTHON_TAG=3.11-slim-bookworm

FROM python:${PYTHON_TAG} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PATH=/opt/venv/bin:$PATH
RUN python -m venv /opt/venv
WORKDIR /app
COPY pyproject.toml constraints.txt ./
COPY docker/requirements.py docker/
RUN --mount=type=cache,target=/root/.cache/pip \
    python docker/requirements.py dashboard > requirements.txt && pip install -c constraints.txt -r requirements.txt
COPY README.md LICENSE setup.py ./
COPY mgic mgic
COPY dashboard dashboard
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --no-deps -e . && python -m compileall -q mgic dashboard

FROM python:${PYTHON_TAG}
# Figures become SVG, PDF and PNG in Chromium; the fonts have the widths of Arial and Helvetica.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends chromium fonts-liberation \
    && rm -rf /var/lib/apt/lists/*
RUN groupadd --gid 10001 mgic \
    && useradd --uid 10001 --gid mgic --no-create-home --home-dir /tmp --shell /usr/sbin/nologin mgic
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
ENV PATH=/opt/venv/bin:$PATH HOME=/tmp PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
USER 10001:10001
EXPOSE 8501
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8501 && printf 'GET /_stcore/health HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n' >&3 && read -r line <&3 && [[ $line == *' 200 '* ]]"]
CMD ["python", "-m", "dashboard", "--host", "0.0.0.0", "--port", "8501"]
