import { existsSync } from 'node:fs';
import { isInUse, placeSqliteFile, removeSqliteFile, replaceSqliteFile } from '../../sqlite/file.ts';
import type { RebuildPlace } from '../rebuild/rebuild-place.ts';
import { openStateSnapshot } from './compare-states.ts';
import { countDiscarded } from '../dead-letters.ts';
import { runSteps } from '../../sqlite/run-steps.ts';

/** A file beside the live one. @see openRebuildPlace */
export function besideFile(path: string): RebuildPlace {
  const draft = `${path}.rebuild`;
  removeSqliteFile(draft);
  return {
    name: path,
    draft: { kind: 'sqlite', path: draft },
    isInUse: async () => existsSync(path) && isInUse(path),
    snapshot: async () => openStateSnapshot(path, draft, 5_000),
    replace: async (mayReplace) => {
      if (!existsSync(path)) {
        placeSqliteFile(path, draft);
        return null;
      }
      const keepAs = `${path}.before-rebuild`;
      replaceSqliteFile(path, { by: draft, keepAs, mayReplace: (old) => mayReplace(runSteps(old, countDiscarded())) });
      return keepAs;
    },
    close: async () => removeSqliteFile(draft),
  };
}
