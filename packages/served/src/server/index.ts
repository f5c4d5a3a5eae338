export {
  type ChatServer,
  type ChatServerOptions,
  type ServerAnswer,
  type ServerRequest,
  startChatServer,
} from './chat-server.ts';
export type { Fault } from './fault.ts';
export { BadRequestError } from './read-request.ts';
