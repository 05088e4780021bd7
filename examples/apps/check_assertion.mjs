// Checks X-Vestibule-Assertion in Node 18 or newer, with nothing but Node.
//
//     node check_assertion.mjs PUBLIC_URL AUDIENCE < assertion
import { createPublicKey, verify } from "node:crypto";
import { text } from "node:stream/consumers";

const read = (part) => JSON.parse(Buffer.from(part, "base64url").toString());

// The claims of a genuine assertion; throws for any other. Keep the key set for some minutes in a real app.
export async function check(assertion, publicUrl, audience) {
  const [head, body, signature, ...more] = assertion.split(".");
  if (signature === undefined || more.length > 0) throw new Error("not a JWT");
  const { alg, kid } = read(head);
  if (alg !== "EdDSA") throw new Error(`algorithm ${alg}`);
  const keySet = await (await fetch(`${publicUrl}/.vestibule/jwks.json`)).json();
  const jwk = keySet.keys.find((key) => key.kid === kid);
  if (!jwk) throw new Error("unknown key");
  const key = createPublicKey({ key: jwk, format: "jwk" });
  if (!verify(null, Buffer.from(`${head}.${body}`), key, Buffer.from(signature, "base64url"))) {
    throw new Error("the signature does not verify");
  }
  const claims = read(body);
  if (claims.iss !== publicUrl) throw new Error(`issuer ${claims.iss}`);
  if (claims.aud !== audience) throw new Error(`audience ${claims.aud}`);
  if (!(claims.exp > Date.now() / 1000)) throw new Error("expired");
  return claims;
}

const [publicUrl, audience] = process.argv.slice(2);
try {
  const claims = await check((await text(process.stdin)).trim(), publicUrl, audience);
  console.log(JSON.stringify(claims));
} catch (error) {
  console.error(`refused: ${error.message}`);
  process.exit(1);
}
