// Decides requests with a module of the filter whose conditions and calls report themselves, and
// writes down how often each condition was false and was true, and how often each call was made. A host of Proxy-Wasm that has only what this takes;
// its clock stands still and its random numbers are always the same, so that the same module is
// always tuned the same way.
import { readFileSync, writeFileSync } from "node:fs";

const [, , file, plan, result] = process.argv;
const { config, now, requests } = JSON.parse(readFileSync(plan));
const OK = 0, NOT_FOUND = 1, CONTINUE = 0;
/** How often the requests are sent before anything is counted, and then. */
const WARM = 5, COUNTED = 10;

let counting = false, headers, status;
const counts = new Map();
const bytes = () => new Uint8Array(guest.memory.buffer);
const view = () => new DataView(guest.memory.buffer);
const number = (at, value) => (view().setUint32(at, value, true), OK);

function give(value, at, size) {
  const place = guest.proxy_on_memory_allocate(value.length);
  bytes().set(value, place);
  number(at, place);
  return number(size, value.length);
}

/** Headers as the ABI hands them over (Proxy-Wasm ABI 0.2.1, "Serialization"). */
function serialized(pairs) {
  const lengths = Buffer.alloc(4 + 8 * pairs.length);
  lengths.writeUInt32LE(pairs.length);
  pairs.flat().forEach((text, at) => lengths.writeUInt32LE(text.length, 4 + 4 * at));
  return Buffer.concat([lengths, Buffer.from(pairs.flat().map((text) => text + "\0").join(""))]);
}

const time = (at) => (view().setBigUint64(at, BigInt(now) * 1_000_000n, true), OK);
let seed = 1;
function count(at, outcome) {
  if (!counting) return;
  const sides = counts.get(at) ?? [0, 0];
  sides[outcome === 0 ? 0 : 1] += 1;
  counts.set(at, sides);
}

const given = {
  met: (at, outcome) => (count(at, outcome), outcome),
  made: (at) => count(at, 1),
  clock_time_get: (_id, _precision, at) => time(at),
  random_get: (at, size) => {
    for (let i = 0; i < size; i++) bytes()[at + i] = (seed = (seed * 75 + 74) % 65537);
    return OK;
  },
  environ_sizes_get: (count, size) => number(count, 0) || number(size, 0),
  proxy_get_buffer_bytes: (_kind, _from, _most, at, size) => give(Buffer.from(config), at, size),
  proxy_get_current_time_nanoseconds: time,
  proxy_get_header_map_pairs: (_kind, at, size) => give(headers, at, size),
  proxy_get_property: () => NOT_FOUND,
  proxy_get_shared_data: () => NOT_FOUND,
  proxy_send_local_response: (code) => ((status = code), OK),
};
const module = new WebAssembly.Module(readFileSync(file));
const imports = {};
for (const { module: from, name } of WebAssembly.Module.imports(module)) {
  (imports[from] ??= {})[name] = given[name] ?? (() => OK);
}
const guest = new WebAssembly.Instance(module, imports).exports;

function check(what, holds) {
  // Formats change, and what is measured with has to follow.
  if (!holds) throw new Error(`${what}; host-tests/e2e/tests/tune.rs says how to make the requests anew`);
}

let context = 1;
guest._initialize();
guest.proxy_on_context_create(context, 0);
check("the module does not start", guest.proxy_on_vm_start(context, 0));
check("the module refuses its configuration", guest.proxy_on_configure(context, config.length));
for (let round = 0; round < WARM + COUNTED; round++) {
  counting = round >= WARM;
  for (const request of requests.flatMap((request) => Array(request.times).fill(request))) {
    context += 1;
    headers = serialized(request.headers);
    status = 200;
    guest.proxy_on_context_create(context, 1);
    const passes = guest.proxy_on_request_headers(context, request.headers.length, 1) === CONTINUE;
    guest.proxy_on_delete(context);
    const right = status === request.status && passes === (status === 200);
    check(`answered with ${status}: ${JSON.stringify(request)}`, right);
  }
}
writeFileSync(result, JSON.stringify(Object.fromEntries(counts)));
