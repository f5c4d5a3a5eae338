// The body of a local model's worker thread: one model, one question at a time, nothing from the network.
import { basename, dirname, join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';

const { folder, dtype, threads, busy } = workerData;

function answer(message) {
  Atomics.store(busy, 0, 0);
  Atomics.notify(busy, 0);
  parentPort.postMessage(message);
}

const detailOf = (error) => String(error?.message ?? error);

async function open() {
  let library;
  try {
    library = await import('@huggingface/transformers');
  } catch (error) {
    return { reply: { type: 'failed', reason: 'runtime', detail: detailOf(error) } };
  }
  try {
    const { env, AutoProcessor, AutoModelForImageTextToText } = library;
    env.allowRemoteModels = false;
    env.allowLocalModels = true;
    env.useFSCache = false;
    env.localModelPath = join(dirname(folder), '/');
    const name = basename(folder);
    const processor = await AutoProcessor.from_pretrained(name);
    const session_options = { intraOpNumThreads: threads, logSeverityLevel: 3 };
    const model = await AutoModelForImageTextToText.from_pretrained(name, {
      dtype,
      device: 'cpu',
      session_options,
    });
    return { library, processor, model, reply: { type: 'ready' } };
  } catch (error) {
    return { reply: { type: 'failed', reason: 'model', detail: detailOf(error) } };
  }
}

const opened = await open();

/** Ids of the spellings of a word that are one token, and not the one for all that is unknown. */
function spellings(word) {
  const { tokenizer } = opened.processor;
  const capital = word[0].toUpperCase() + word.slice(1);
  const forms = [word, capital, word.toUpperCase()].flatMap((form) => [form, ` ${form}`]);
  const encoded = forms.map((form) => tokenizer.encode(form, { add_special_tokens: false }));
  const single = encoded.filter((ids) => ids.length === 1).map(([id]) => id);
  return new Set(single.filter((id) => id !== tokenizer.unk_token_id));
}

function massOf(row, ids) {
  const most = row.reduce((high, value) => Math.max(high, value), Number.NEGATIVE_INFINITY);
  const total = row.reduce((sum, value) => sum + Math.exp(value - most), 0);
  return [...ids].reduce((sum, id) => sum + Math.exp(row[id] - most) / total, 0);
}

/** Probabilities of yes and no as the first word of the reply: one pass, no text is generated. */
async function ask({ picture, system, text }) {
  const { library, processor, model } = opened;
  const messages = [
    { role: 'system', content: [{ type: 'text', text: system }] },
    { role: 'user', content: [{ type: 'image' }, { type: 'text', text }] },
  ];
  const prompt = processor.apply_chat_template(messages, { add_generation_prompt: true, tokenize: false });
  const image = new library.RawImage(picture.data, picture.width, picture.height, 3);
  const { logits } = await model(await processor(prompt, image));
  const vocabulary = logits.dims.at(-1);
  const row = Float32Array.from(logits.data.slice(-vocabulary));
  return { type: 'done', yes: massOf(row, spellings('yes')), no: massOf(row, spellings('no')) };
}

answer(opened.reply);
parentPort.on('message', async (message) => {
  if (message.type === 'stop') {
    await opened.model?.dispose();
    parentPort.close();
    return;
  }
  try {
    answer(await ask(message));
  } catch (error) {
    answer({ type: 'refused', detail: detailOf(error) });
  }
});
