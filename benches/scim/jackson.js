// The smallest server around the directory sync of @boxyhq/saml-jackson, as its guides put it into an app: what came is
// handed to `requests.handle`, what it gives is the answer. Prints «ready», the base path and the token of its one directory.
//
// usage: node jackson.js PORT ENGINE [DATABASE_URL]     ENGINE: mem, or sql with the URL of a PostgreSQL database
const { createServer } = require("node:http");
const { createRequire } = require("node:module");

const { controllers } = createRequire(process.cwd() + "/")("@boxyhq/saml-jackson");
const [port, engine, url] = process.argv.slice(2);
const SCIM_PATH = "/scim/v2.0";
// Its own default is 50 on a page, whatever is asked for; here are pages of 100 measured.
const PAGE = 100;

async function answer(sync, request, body) {
  const at = new URL(request.url, "http://localhost");
  const [directoryId, resourceType, resourceId] = at.pathname.slice(SCIM_PATH.length + 1).split("/");
  const number = (name) => (at.searchParams.has(name) ? Number(at.searchParams.get(name)) : undefined);
  const filter = at.searchParams.get("filter") ?? undefined;
  return sync.requests.handle(
    {
      method: request.method,
      body: body ? JSON.parse(body) : undefined,
      directoryId,
      resourceType,
      resourceId,
      apiSecret: request.headers.authorization?.replace("Bearer ", ""),
      query: { count: number("count"), startIndex: number("startIndex"), filter },
    },
    async () => {},
  );
}

async function main() {
  const db = engine === "mem" ? { engine } : { engine: "sql", type: "postgres", url };
  const { directorySyncController: sync } = await controllers({
    externalUrl: `http://127.0.0.1:${port}`,
    samlPath: "/saml",
    scimPath: SCIM_PATH,
    noAnalytics: true,
    db: { ...db, pageLimit: PAGE },
  });
  const made = await sync.directories.create({ name: "bench", tenant: "bench", product: "bench", type: "okta-scim-v2" });
  if (made.error) throw new Error(made.error.message);
  const server = createServer((request, response) => {
    const parts = [];
    request.on("data", (part) => parts.push(part));
    request.on("end", async () => {
      let status = 500;
      let data = {};
      try {
        ({ status, data } = await answer(sync, request, Buffer.concat(parts).toString()));
      } catch (error) {
        console.error(error);
      }
      response.writeHead(status, { "content-type": "application/scim+json" }).end(JSON.stringify(data));
    });
  });
  server.keepAliveTimeout = 600_000;
  server.listen(Number(port), "127.0.0.1", () => {
    console.log(`ready ${SCIM_PATH}/${made.data.id} ${made.data.scim.secret}`);
  });
}

main();
