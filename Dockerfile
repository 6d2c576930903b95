# Builds the service and leaves it alone in a small image: one binary, CA certificates, one volume, no shell user rights.
#
#   docker build -t reply-router .
#   docker run -v reply-router:/data -e COLDSEND_API_KEY -p 127.0.0.1:8080:8080 reply-router
#
# /data holds reply-router.yaml, rules/ and the store. `docker run … reply-router init /data` writes the first two.

FROM rust:1.95-bookworm AS build
WORKDIR /src
# Dependencies first, so that a change in the sources does not build them again.
COPY Cargo.toml Cargo.lock askama.toml ./
RUN mkdir src && echo 'fn main() {}' > src/main.rs && touch src/lib.rs \
    && cargo build --locked --profile dist \
    && rm -r src
COPY build.rs ./
COPY src src
# The demo's rules are compiled in.
COPY examples examples
RUN touch src/main.rs src/lib.rs && cargo build --locked --profile dist

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates curl \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin reply-router \
    && install --directory --owner=reply-router --mode=0750 /data
COPY --from=build /src/target/dist/reply-router /usr/local/bin/reply-router
USER reply-router
WORKDIR /data
VOLUME /data
ENV REPLY_ROUTER_CONFIG=/data/reply-router.yaml
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
    CMD curl --fail --silent http://127.0.0.1:8080/healthz || exit 1
ENTRYPOINT ["reply-router"]
CMD ["run"]
