import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { fromWire, toWire } from '../src/wire.ts';

const alternatives = [
  { token: 'yes', logprob: -0.25, bytes: [121, 101, 115] },
  { token: 'no', logprob: -1.5, bytes: [110, 111] },
];
const usage = { prompt_tokens: 300, completion_tokens: 1, total_tokens: 301 };
const message = { role: 'assistant', content: 'yes' };

/** Replies to one question with `logprobs` and `top_logprobs`, in the forms that the servers' documentation describes. */
const bodies = {
  vLLM: {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    choices: [
      {
        index: 0,
        message: { ...message, refusal: null, tool_calls: [], reasoning_content: null },
        logprobs: { content: [{ ...alternatives[0], top_logprobs: alternatives }] },
        finish_reason: 'length',
        stop_reason: null,
      },
    ],
    usage: { ...usage, prompt_tokens_details: null },
    prompt_logprobs: null,
    kv_transfer_params: null,
  },
  SGLang: {
    id: '1',
    object: 'chat.completion',
    choices: [
      {
        index: 0,
        message: { ...message, reasoning_content: null, tool_calls: null },
        logprobs: { content: [{ ...alternatives[0], top_logprobs: alternatives }] },
        finish_reason: 'stop',
        matched_stop: 151645,
      },
    ],
    usage: { ...usage, reasoning_tokens: 0 },
    metadata: { weight_version: 'default' },
  },
  'llama.cpp': {
    choices: [
      {
        finish_reason: 'length',
        index: 0,
        message,
        logprobs: {
          content: [
            {
              id: 9693,
              ...alternatives[0],
              top_logprobs: alternatives.map((token, id) => ({ id, ...token })),
            },
          ],
        },
      },
    ],
    model: 'gpt-3.5-turbo',
    usage,
    timings: { prompt_n: 300, predicted_n: 1 },
  },
  Ollama: {
    id: 'chatcmpl-1',
    system_fingerprint: 'fp_ollama',
    choices: [
      {
        index: 0,
        message,
        logprobs: { content: [{ ...alternatives[0], top_logprobs: alternatives }] },
        finish_reason: 'length',
      },
    ],
    usage,
  },
};

describe('fromWire', () => {
  it.each(Object.entries(bodies))('reads a reply of %s', (_, body) => {
    const { reply, count } = fromWire(body)!;
    expect(reply.text).toBe('yes');
    expect(reply.complete).toBe(body.choices[0]!.finish_reason === 'stop');
    expect(reply.tokens).toEqual([
      {
        token: 'yes',
        logProb: -0.25,
        top: [
          { token: 'yes', logProb: -0.25 },
          { token: 'no', logProb: -1.5 },
        ],
      },
    ]);
    expect(count).toEqual({ prompt: 300, completion: 1 });
  });

  it('reads a reply without content, log-probabilities or usage', () => {
    const bare = { choices: [{ message: { content: null }, finish_reason: null, logprobs: null }] };
    expect(fromWire(bare)).toEqual({
      reply: { text: '', tokens: null, complete: true },
      count: { prompt: 0, completion: 0 },
    });
  });

  it('gives null for what is no completion', () => {
    for (const body of [undefined, null, '<html>', {}, { choices: [] }, { choices: [{}] }, { error: {} }])
      expect(fromWire(body)).toBeNull();
  });
});

describe('toWire', () => {
  const messages = [
    { role: 'system' as const, content: ['rules'] },
    { role: 'user' as const, content: [{ width: 1, height: 1, data: new Float32Array(3) }, 'question'] },
  ];
  const options = {
    model: 'm',
    urlOf: () => 'data:image/png;base64,AAAA',
    tokenLimitField: 'max_tokens',
  } as const;

  it('asks as the chat completions API is documented', () => {
    const request = {
      messages,
      maxTokens: 1,
      temperature: 0,
      topLogProbs: 20,
      seed: 7,
      schema: { name: 'answer', schema: z.object({ yes: z.boolean() }) },
      extra: { chat_template_kwargs: { enable_thinking: false }, model: 'another' },
    };
    expect(toWire(request, options)).toEqual({
      model: 'm',
      messages: [
        { role: 'system', content: 'rules' },
        {
          role: 'user',
          content: [
            { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
            { type: 'text', text: 'question' },
          ],
        },
      ],
      max_tokens: 1,
      temperature: 0,
      logprobs: true,
      top_logprobs: 20,
      seed: 7,
      response_format: {
        type: 'json_schema',
        json_schema: {
          name: 'answer',
          strict: true,
          schema: {
            type: 'object',
            properties: { yes: { type: 'boolean' } },
            required: ['yes'],
            additionalProperties: false,
          },
        },
      },
      chat_template_kwargs: { enable_thinking: false },
    });
  });

  it('sends the files of pictures as they are, and says how closely to look', () => {
    const file = { mediaType: 'image/jpeg', bytes: Uint8Array.of(255, 216, 255) };
    const { messages: sent, ...rest } = toWire(
      { messages: [{ role: 'user', content: ['look', file] }], maxTokens: 1, pictureDetail: 'high' },
      options,
    );
    expect(sent[0]?.content).toEqual([
      { type: 'text', text: 'look' },
      { type: 'image_url', image_url: { url: 'data:image/jpeg;base64,/9j/', detail: 'high' } },
    ]);
    expect('temperature' in rest).toBe(false);
  });

  it('calls the limit of tokens as the server does', () => {
    const request = { messages, maxTokens: 7, temperature: 0 };
    const params = toWire(request, { ...options, tokenLimitField: 'max_completion_tokens' });
    expect([params.max_completion_tokens, 'max_tokens' in params]).toEqual([7, false]);
  });

  it('leaves out what is not wanted', () => {
    expect(Object.keys(toWire({ messages, maxTokens: 1, temperature: 0 }, options)).sort()).toEqual([
      'max_tokens',
      'messages',
      'model',
      'temperature',
    ]);
  });
});
