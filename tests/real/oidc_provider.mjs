// A certified provider of OpenID Connect (npm oidc-provider) with the people that standard input names, as JSON:
// {port, client: {…}, people: {login: claims}}. It prints a line when it is ready, and takes any password.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const { resolve } = createRequire(`${process.argv[2]}/`);
const { Provider } = await import(pathToFileURL(resolve("oidc-provider")));
const { port, client, people } = JSON.parse(readFileSync(0, "utf8"));
const issuer = `http://127.0.0.1:${port}`;

const provider = new Provider(issuer, {
  clients: [client],
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name", "given_name", "family_name"], groups: ["groups"] },
  scopes: ["openid", "email", "profile", "groups"],
  cookies: { keys: ["only for tests"] },
  findAccount: (_, login) => people[login] && { accountId: login, claims: () => ({ sub: login, ...people[login] }) },
});
provider.listen(port, "127.0.0.1", () => console.log("ready"));
