# goml without npm and without a shell's worth of other things: the package, Node, and a user without rights.
#
#     docker build -t goml .
#     docker run --rm -v "$PWD:/data" goml train data.csv
#     docker run --rm -p 8080:8080 -v "$PWD:/data:ro" goml serve model.json --host 0.0.0.0
FROM node:22.12-bookworm-slim AS build
WORKDIR /goml
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY . .
RUN npm run build && npm pack --ignore-scripts --pack-destination /tmp && \
    npm install --global --prefix /opt/goml --ignore-scripts /tmp/goml-*.tgz

FROM node:22.12-bookworm-slim
COPY --from=build /opt/goml /opt/goml
ENV PATH=/opt/goml/bin:$PATH \
    NODE_ENV=production
WORKDIR /data
USER node
EXPOSE 8080
ENTRYPOINT ["goml"]
CMD ["--help"]
