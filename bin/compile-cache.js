// Keeps the stripped and compiled source between starts. Worker threads follow the environment variable.
import module from 'node:module';
import { fileURLToPath } from 'node:url';

export function useCompileCache() {
  const folder = fileURLToPath(new URL('../node_modules/.cache/samsa', import.meta.url));
  process.env.NODE_COMPILE_CACHE ??= folder;
  module.enableCompileCache(process.env.NODE_COMPILE_CACHE);
}
