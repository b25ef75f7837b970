// Serves the built page.   node www/serve.mjs [--port 5173] [--host 127.0.0.1] [--dir .upnext/site]
import { resolve, join } from "node:path";
import { parseArgs } from "node:util";
import { preview } from "vite";
import { workDir } from "../tests/lib/paths.mjs";

const { values } = parseArgs({ options: { port: { type: "string", default: "5173" }, host: { type: "string", default: "127.0.0.1" }, dir: { type: "string" } } });
const server = await preview({
  root: resolve(values.dir ?? join(workDir, "site")),
  configFile: false,
  logLevel: "warn",
  preview: { host: values.host, port: Number(values.port), strictPort: true },
});
process.on("SIGTERM", () => void server.close().then(() => process.exit(0)));
