// The command line from its sources.
import { main } from '../src/index.ts';

process.exitCode = await main(process.argv.slice(2));
