export {
  type ChatServer,
  type ChatServerOptions,
  type ServerAnswer,
  startChatServer,
} from './chat-server.ts';
export type { Fault } from './fault.ts';
export { BadRequestError } from './read-request.ts';
export type { ServerRequest } from './server-request.ts';
