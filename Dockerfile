# Every RUN step is a command that CI runs too (.ci/image); keep each on one line.
FROM rust:1.95-bookworm AS build
WORKDIR /vestibule
COPY scripts scripts
RUN scripts/packages build
COPY . .
RUN cargo build --locked --release --bin vestibule

FROM debian:bookworm-slim
WORKDIR /opt/vestibule
COPY scripts scripts
RUN scripts/packages --slim run
RUN install --directory --mode=0700 --owner=10001 --group=10001 /var/lib/vestibule
COPY --from=build /vestibule/target/release/vestibule /usr/local/bin/vestibule
USER 10001:10001
WORKDIR /var/lib/vestibule
VOLUME /var/lib/vestibule
# The app and the portal; health and metrics.
EXPOSE 8080 8082
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["vestibule", "health"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["vestibule"]
CMD ["serve"]
