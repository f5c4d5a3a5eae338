/** Whether a file of the build is as long as when it was made, by the size at the end of its `.key` file. */
export declare function isWhole(output: string): boolean;
