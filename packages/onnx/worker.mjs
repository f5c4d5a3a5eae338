// The body of a network's worker thread: one session, one run at a time. It ends only when it is told to, between runs:
// a thread that is ended during a run takes the whole process with it.
import { parentPort, workerData } from 'node:worker_threads';

const { model, settings, busy } = workerData;

function atRest() {
  Atomics.store(busy, 0, 0);
  Atomics.notify(busy, 0);
}

async function runtime() {
  const module = await import('onnxruntime-node');
  return module.InferenceSession === undefined ? module.default : module;
}

/** The session with the reply that says so, or a reply that says why there is none. */
async function open() {
  const failed = (reason, error) => ({
    reply: { type: 'failed', reason, detail: String(error?.message ?? error) },
  });
  let ort;
  try {
    ort = await runtime();
  } catch (error) {
    return failed('runtime', error);
  }
  try {
    const session = await ort.InferenceSession.create(model, settings);
    return {
      ort,
      session,
      reply: { type: 'ready', inputs: session.inputNames, outputs: session.outputNames },
    };
  } catch (error) {
    return failed('model', error);
  }
}

async function run({ ort, session }, { feeds, outputs }) {
  const tensors = Object.fromEntries(
    feeds.map(({ name, type, data, dims }) => [name, new ort.Tensor(type, data, dims)]),
  );
  const results = await session.run(tensors, outputs);
  return Object.entries(results).map(([name, { data, dims }]) => ({ name, data, dims: [...dims] }));
}

// Whoever is told may ask for the next run at once, so that rest comes before the message.
const network = await open();
atRest();
parentPort.postMessage(network.reply);
parentPort.on('message', async (message) => {
  if (message.type === 'stop') {
    await network.session?.release();
    parentPort.close();
    return;
  }
  let reply;
  try {
    reply = { type: 'done', outputs: await run(network, message) };
  } catch (error) {
    reply = { type: 'refused', detail: String(error?.message ?? error) };
  }
  atRest();
  parentPort.postMessage(reply, reply.outputs?.map(({ data }) => data.buffer) ?? []);
});
