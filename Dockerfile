# The shop as an image: `docker build -t samsa .`, then `docker run -p 8080:8080 samsa all`, or see compose.yaml.
FROM node:26-slim
WORKDIR /samsa
COPY package.json package-lock.json .npmrc ./
COPY bin bin
COPY src src
COPY demo demo
# The image has Node 26 already, so the copy that npm installs for older machines is removed.
RUN npm ci --omit=dev --no-audit --no-fund && rm -rf node_modules/node node_modules/node-bin-* /root/.npm \
  && mkdir /data && chown node:node /data
USER node
ENV SAMSA_DATA=/data
VOLUME /data
EXPOSE 8080 8081 8082
ENTRYPOINT ["node", "bin/samsa.js"]
CMD ["all"]
