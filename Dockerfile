# One image for every process of Lyceum: the binary, and the files of the playground and the storefront. Which process it is, its arguments say.

FROM rust:1.95-bookworm AS rust
RUN apt-get update && apt-get install -y --no-install-recommends cmake && rm -rf /var/lib/apt/lists/*
RUN cargo install cargo-chef --locked --version 0.1.78
# `.cargo/config.toml` says why, and until when; cargo-chef has no such option of its own.
RUN printf '#!/bin/sh\ncommand="$1"; shift\nexec cargo "$command" --ignore-rust-version "$@"\n' > /usr/local/bin/cargo-for-chef \
    && chmod +x /usr/local/bin/cargo-for-chef
WORKDIR /lyceum

# What the dependencies are, without the sources: it changes with a Cargo.toml or Cargo.lock only.
FROM rust AS recipe
COPY . .
RUN cargo chef prepare --bin lyceum --recipe-path recipe.json

FROM rust AS binary
# `release` is for use; `dev` is built in half the time.
ARG PROFILE=release
COPY --from=recipe /lyceum/recipe.json .
COPY .cargo .cargo
RUN CARGO=/usr/local/bin/cargo-for-chef cargo-chef chef cook --locked --profile "$PROFILE" --bin lyceum --recipe-path recipe.json
COPY . .
RUN cargo build --ignore-rust-version --locked --profile "$PROFILE" --bin lyceum \
    && install --strip -D "target/$([ "$PROFILE" = dev ] && echo debug || echo "$PROFILE")/lyceum" /image/lyceum \
    && mkdir /image/keys

FROM node:20-bookworm-slim AS playground
WORKDIR /lyceum/web-playground
COPY web-playground/package.json web-playground/package-lock.json ./
RUN npm ci
COPY supergraph.graphql supergraph.yaml ../
COPY docs ../docs
COPY operations ../operations
COPY web-playground .
RUN npm run build

FROM node:20-bookworm-slim AS storefront
WORKDIR /lyceum/examples/storefront
COPY examples/storefront/package.json examples/storefront/package-lock.json ./
RUN npm ci
COPY examples/storefront .
RUN npm run build

# C's library and certificates, a user who is not root, no shell.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=binary /image/lyceum /usr/local/bin/lyceum
COPY --from=playground /lyceum/web-playground/dist /usr/local/share/lyceum/playground
# Served where LYCEUM_STOREFRONT names it: it is an example, and not every school's shop.
COPY --from=storefront /lyceum/examples/storefront/dist /usr/local/share/lyceum/storefront
# A new volume takes its owner from here.
COPY --from=binary --chown=nonroot:nonroot /image/keys /var/lib/lyceum/keys
ENV LYCEUM_PLAYGROUND=/usr/local/share/lyceum/playground \
    LYCEUM_KEYS_DIR=/var/lib/lyceum/keys
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/lyceum"]
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s --retries=5 CMD ["/usr/local/bin/lyceum", "health"]
