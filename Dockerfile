# One image for bot, worker and observer.
#
#   make wheels                        # on a machine with a network
#   docker build --build-arg COMPOSE_VERSION="$(cat wheels/bin/compose-version)" -t rollbot .
#
# It builds with the classic builder and without a network: all comes from wheels/.
# Any base image will do that has python3 (the one that IMAGE_PYTHON named for the wheels) and sh.
ARG BASE_IMAGE=python:3.11-slim-bookworm

FROM ${BASE_IMAGE} AS build
LABEL org.rollbot.stage=build
COPY wheels /wheels
RUN python3 -m venv --copies /opt/rollbot \
 && /opt/rollbot/bin/python -m pip install --no-index --no-cache-dir --disable-pip-version-check \
      --find-links /wheels rollbot \
 && mkdir -p /state /programs/bin /programs/plugins \
 && chmod 0700 /state && chown 10001:10001 /state \
 && echo 'rollbot:x:10001:10001:rollbot:/var/lib/rollbot:/bin/sh' >>/etc/passwd \
 && if [ -x /wheels/bin/docker ]; then cp /wheels/bin/docker /programs/bin/; fi \
 && if [ -x /wheels/bin/docker-compose ]; then cp /wheels/bin/docker-compose /programs/plugins/; fi

FROM ${BASE_IMAGE}
ARG COMPOSE_VERSION=none
LABEL org.opencontainers.image.title="rollbot" \
      org.opencontainers.image.description="Rolls production back from the incident channel" \
      org.rollbot.compose-version="${COMPOSE_VERSION}"
COPY --from=build /etc/passwd /etc/passwd
COPY --from=build /opt/rollbot /opt/rollbot
COPY --from=build /programs/bin/ /usr/local/bin/
COPY --from=build /programs/plugins/ /usr/local/lib/docker/cli-plugins/
COPY --from=build --chown=10001:10001 /state /var/lib/rollbot
ENV PATH=/opt/rollbot/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONUNBUFFERED=1 \
    HOME=/var/lib/rollbot \
    ROLLBOT_STATE_DIR=/var/lib/rollbot \
    ROLLBOT_RUNBOOK=/etc/rollbot/runbook.toml
WORKDIR /var/lib/rollbot
VOLUME /var/lib/rollbot
# The bot needs nothing of root's. The worker and the observer get the engine's socket, which *is*
# root: compose.yml says for each of the two whom it runs as.
USER 10001:10001
ENTRYPOINT ["rollbot"]
CMD ["--help"]
