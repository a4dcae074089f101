# The image: Node, the sources as a bundle, and the packages that they need. No shell is used at run time.
FROM node:24.21.0-bookworm-slim AS install
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:24.21.0-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tools/build.ts ./tools/build.ts
COPY src ./src
RUN npm run -s build

FROM node:24.21.0-bookworm-slim
ENV NODE_ENV=production
# One arena for all threads: each of several keeps what it has freed.
ENV MALLOC_ARENA_MAX=1
WORKDIR /app
COPY --from=install /app/node_modules ./node_modules
COPY package.json LICENSE ./
COPY --from=build /app/dist ./dist
COPY crds ./crds
USER 65532:65532
EXPOSE 8080 8081
# It starts no process, writes no file, loads no add-on and compiles no text; only jq's worker threads are allowed.
# The heap begins small, and grows by less than half before it is collected: without that, a hundred MiB of garbage come first.
ENTRYPOINT ["node", "--permission", "--allow-fs-read=*", "--allow-worker", "--disable-warning=PERM0006", "--disallow-code-generation-from-strings", "--max-semi-space-size=8", "--initial-old-space-size=36", "--heap-growing-percent=40", "/app/dist/main.js"]
CMD ["controller"]
