# One image for all programs: `node /app/operator.js`, `node /app/job.js`, `node /app/webhook.js`.
# It holds Node, the libraries that Node loads, and the bundled programs: no shell, no npm, no package manager.
# docs/container-image.md tells more; `npm run image -- --check` builds and checks it.

# Any image with this Node and npm on glibc does. Its contents are copied piece by piece, so it is not the image's base.
ARG NODE_IMAGE=docker.io/library/node:26.10.0-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
# A secret `npmrc`, where the registry is another one; it does not stay in any layer.
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc npm ci
COPY . .
ARG SOURCE_DATE_EPOCH=0
ARG VERSION=dev
RUN npm run build && node scripts/run.mjs scripts/imageRoot.ts /out

FROM scratch AS programs
# The first layer changes with Node, the second with every version.
COPY --from=build /out/runtime/ /
COPY --from=build /out/app/ /
ENV PATH=/usr/local/bin NODE_COMPILE_CACHE=/app/compile-cache
WORKDIR /app
USER 65532:65532

# Each program starts once, as it will be started; what V8 compiled is kept, so that a job need not compile itself anew.
FROM programs AS started
ENV NODE_COMPILE_CACHE=/tmp/compile-cache
RUN ["node", "/app/job.js", "--help"]
RUN ["node", "/app/operator.js", "--help"]
RUN ["node", "/app/webhook.js", "--help"]
RUN ["node", "/app/connect.js", "--help"]

FROM build AS compiled
COPY --from=started /tmp/compile-cache/ /out/compiled/app/compile-cache/
RUN node scripts/run.mjs scripts/imageRoot.ts --seal /out/compiled

FROM programs
COPY --from=compiled /out/compiled/ /
ARG VERSION=dev
ARG REVISION
ARG CREATED
ARG SOURCE
LABEL org.opencontainers.image.title="outlook-sync" \
      org.opencontainers.image.description="Outlook mail in Postgres: an operator, a one-shot sync job and a push webhook" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.source="${SOURCE}"
ENTRYPOINT ["node"]
CMD ["/app/operator.js"]
