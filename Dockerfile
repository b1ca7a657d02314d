FROM python:3.12-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOST=0.0.0.0 PORT=8000 CHATADMIN_VAR=/var/lib/chatadmin
WORKDIR /srv/chatadmin
COPY requirements/base.lock requirements/base.lock
RUN pip install --no-cache-dir --require-hashes --no-deps -r requirements/base.lock
COPY . .
RUN useradd --system --uid 10001 --no-create-home chatadmin \
    && install -d -o chatadmin -g chatadmin -m 0700 /var/lib/chatadmin
USER chatadmin
VOLUME /var/lib/chatadmin
EXPOSE 8000
CMD ["python", "-m", "chatadmin.serve"]
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["python", "-m", "scripts.healthcheck"]
