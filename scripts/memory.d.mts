/** Networks that the measured process makes. */
export const NETWORKS: number;
/** The most that may be resident, in MB. */
export const MOST_MB: number;
/** What the running Node needs for them: bytes of one network's linear memory, and the most bytes resident at once. */
export function measureMemory(threads?: number): Promise<{ version: string; networks: number; linear: number; peak: number }>;
