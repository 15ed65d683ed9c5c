// What the JavaScript client uses of Node. For the type checker only: scripts/lint. Debian has no types of Node.
declare module "node:net" {
  export interface Socket {
    on(event: string, listener: (value: any) => void): this;
    setEncoding(encoding: string): this;
    write(text: string): boolean;
    destroy(): this;
  }
  export interface Server {
    listen(port: number, host: string, done: () => void): this;
    address(): { port: number };
    close(): this;
  }
  const net: { connect(options: object): Socket; isIP(text: string): number;
    createServer(onConnection: (socket: Socket) => void): Server };
  export default net;
}
declare module "node:tls" {
  import type { Socket } from "node:net";
  const tls: { connect(options: object): Socket };
  export default tls;
}
declare module "node:util" {
  export function parseArgs(config: object): { values: Record<string, any>; positionals: string[] };
}
declare module "node:fs" {
  export function readFileSync(path: string, encoding: string): string;
}
declare const Buffer: { byteLength(text: string): number };
declare const process: {
  argv: string[];
  env: Record<string, string | undefined>;
  exitCode: number | undefined;
  stdout: { write(text: string): boolean };
  once(event: string, listener: () => void): void;
};
