// The thread in which @apollo/composition runs: subgraphs in, the supergraph or errors out. It is plain JavaScript, since
// a thread does not inherit the loader that runs the sources as they are.

import { createRequire } from "node:module";
import { parentPort, workerData } from "node:worker_threads";

const require = createRequire(workerData.file);
const { composeServices } = require(workerData.file);
// The instance that the composer itself uses: it does not accept nodes of another one.
const { parse, Source } = require("graphql");

parentPort.on("message", ({ id, subgraphs }) => {
  parentPort.postMessage({ id, ...answer(subgraphs) });
});

function answer(subgraphs) {
  try {
    const { supergraphSdl, errors } = composeServices(
      subgraphs.map(({ name, url, origin, sdl }) => ({
        ...{ name, url },
        typeDefs: parse(new Source(sdl, origin)),
      })),
    );
    return errors ? { errors: errors.map(plain) } : { supergraph: supergraphSdl };
  } catch (cause) {
    return { crash: cause instanceof Error ? cause.message : String(cause) };
  }
}

/** Errors lose what they carry when they are sent to another thread. */
function plain({ message, extensions, source, locations }) {
  const { code, subgraphName } = extensions ?? {};
  return {
    message,
    extensions: { code, subgraphName },
    source: source && { name: source.name },
    locations: locations?.map(({ line, column }) => ({ line, column })),
  };
}
