import type { ServerResponse } from 'node:http';

/**
 * A way for a server to fail: status 429 with `Retry-After: 0` or after `seconds`, status 500, no answer at all, a
 * connection cut in the middle of the body, a body that is no JSON, or the first half of the reply as if its tokens had
 * run out.
 */
export type Fault =
  | { readonly kind: 'rate-limit'; readonly seconds: number }
  | { readonly kind: 'error' | 'stall' | 'cut' | 'malformed' | 'half' };

interface Completion {
  readonly choices: readonly { readonly message: { readonly content: string } }[];
}

/** Treats a request wrongly that would have been answered with `body`. */
export function misbehave(response: ServerResponse, fault: Fault, body: Completion): void {
  const whole = JSON.stringify(body);
  const json = { 'content-type': 'application/json' };
  switch (fault.kind) {
    case 'rate-limit':
      response
        .writeHead(429, { ...json, 'retry-after': `${fault.seconds}` })
        .end('{"error":{"message":"slow down"}}');
      return;
    case 'error':
      response.writeHead(500, json).end('{"error":{"message":"broken"}}');
      return;
    case 'stall':
      return;
    case 'cut':
      response.writeHead(200, { ...json, 'content-length': whole.length * 2 });
      response.write(whole.slice(0, whole.length / 2), () => response.destroy());
      return;
    case 'malformed':
      response.writeHead(200, json).end(whole.slice(0, -2));
      return;
    case 'half':
      response.writeHead(200, json).end(JSON.stringify(halfOf(body)));
  }
}

function halfOf(body: Completion): unknown {
  const [choice] = body.choices;
  const { content } = choice!.message;
  const message = { role: 'assistant', content: content.slice(0, content.length / 2) };
  return { ...body, choices: [{ ...choice, message, finish_reason: 'length', logprobs: null }] };
}
