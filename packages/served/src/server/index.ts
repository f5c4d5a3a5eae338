export { type ChatServer, type ChatServerOptions, startChatServer } from './chat-server.ts';
export type { Fault } from './fault.ts';
export { BadRequestError } from './read-request.ts';
export type { ServerAnswer } from './server-answer.ts';
export type { ServerRequest } from './server-request.ts';
