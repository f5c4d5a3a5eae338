import { Template } from '@huggingface/jinja';
import type { Image } from '@thinkrl/spec';
import { QwenVlFolderError, QwenVlInputError } from './error.ts';

/** One turn of a conversation: texts and pictures in order. */
export interface ChatTurn {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: readonly (string | Image)[];
}

/** What stands for a reply while the rest of a conversation is rendered; no template makes it up. */
const REPLY = '\u{F8FF}reply\u{F8FF}';

/** The chat template of a model folder, a Jinja text, rendered by `@huggingface/jinja`. */
export class ChatTemplate {
  private readonly template: Template;
  private readonly path: string;

  /** `path` is only named in errors. Throws {@link QwenVlFolderError} for a text that is no template. */
  constructor(source: string, path = 'chat_template') {
    this.path = path;
    try {
      this.template = new Template(source);
    } catch (cause) {
      throw new QwenVlFolderError(path, 'the chat template cannot be parsed', { cause });
    }
  }

  /** The conversation as one text that ends where the assistant is to speak. */
  render(turns: readonly ChatTurn[]): string {
    const messages = turns.map(({ role, content }) => ({ role, content: content.map(partOf) }));
    try {
      return this.template.render({ messages, add_generation_prompt: true, add_vision_id: false });
    } catch (cause) {
      throw new QwenVlFolderError(this.path, 'the chat template cannot be rendered', { cause });
    }
  }

  /**
   * What follows the assistant's reply to `turns` when the conversation goes on with `next`: from the end of the reply to
   * where the assistant is to speak again.
   *
   * @throws QwenVlInputError when the template does not keep the beginning as it was.
   */
  renderNext(turns: readonly ChatTurn[], next: readonly ChatTurn[]): string {
    const whole = this.render([...turns, { role: 'assistant', content: [REPLY] }, ...next]);
    const begun = this.render(turns) + REPLY;
    if (!whole.startsWith(begun))
      throw new QwenVlInputError(`${this.path} changes what was said before when the conversation goes on`);
    return whole.slice(begun.length);
  }
}

function partOf(part: string | Image): { readonly type: string; readonly text?: string } {
  return typeof part === 'string' ? { type: 'text', text: part } : { type: 'image' };
}
