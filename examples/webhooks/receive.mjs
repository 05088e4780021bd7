// Receives Vestibule's webhooks in Node, with no package.
//
//     node receive.mjs PORT SECRET...        SECRET as in [[webhook]], whsec_...; several while one replaces another
//
// Prints a line for each event: its id, its type, its data.

import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const TOLERANCE = 300; // seconds
const LIMIT = 64 * 1024; // bytes

// The event in a genuine request; null for any other. The body as it came, before anything parses it.
export function verify(secrets, headers, body) {
  const { "webhook-id": id, "webhook-timestamp": moment, "webhook-signature": given = "" } = headers;
  if (!id || !/^\d+$/.test(moment ?? "") || Math.abs(Date.now() / 1000 - Number(moment)) > TOLERANCE) return null;
  const expected = secrets.map((secret) => {
    const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
    return Buffer.from("v1," + createHmac("sha256", key).update(`${id}.${moment}.`).update(body).digest("base64"));
  });
  const good = given.split(" ").some((one) => {
    const tag = Buffer.from(one);
    return expected.some((other) => tag.length === other.length && timingSafeEqual(tag, other));
  });
  return good ? { id, ...JSON.parse(body) } : null;
}

const [port, ...secrets] = process.argv.slice(2);
const seen = new Set(); // in a real app: a table, written in the transaction that takes the event over

createServer(async (request, response) => {
  const chunks = [];
  let length = 0;
  for await (const chunk of request) {
    length += chunk.length;
    if (length > LIMIT) return response.writeHead(413).end();
    chunks.push(chunk);
  }
  const event = verify(secrets, request.headers, Buffer.concat(chunks));
  if (!event) return response.writeHead(401).end();
  // Events come at least once: the id tells which one was here before.
  if (!seen.has(event.id)) {
    seen.add(event.id);
    console.log(event.id, event.type, JSON.stringify(event.data));
  }
  response.writeHead(204).end();
}).listen(Number(port), "127.0.0.1");
