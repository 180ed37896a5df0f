/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Functions that DLLs export and mingw-w64's headers lack: written for this table from public facts,
 * to be read by tools/gen-prototypes only. Types that nothing needs to see inside are void pointers.
 */
#include "annotations.h"
#include <winternl.h>
#include <ntsecapi.h>
#include <evntrace.h>
#include <evntprov.h>
#include <shlobj.h>
#include <wininet.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

typedef const UNICODE_STRING *PCUNICODE_STRING;
typedef PVOID PRTL_RESOURCE, PRTL_HANDLE_TABLE, PRTL_ATOM_TABLE;

/* ---- ntdll: the loader */
NTSTATUS NTAPI LdrLoadDll(_In_ PWSTR LoadPath, _In_ PULONG DllCharacteristics, _In_ PCUNICODE_STRING DllName, _Out_ PVOID *BaseAddress);
NTSTATUS NTAPI LdrUnloadDll(HMODULE BaseAddress);
NTSTATUS NTAPI LdrGetDllHandle(_In_ PWSTR LoadPath, _In_ PULONG DllCharacteristics, _In_ PCUNICODE_STRING DllName, _Out_ HMODULE *BaseAddress);
NTSTATUS NTAPI LdrGetDllHandleEx(ULONG Flags, _In_ PWSTR LoadPath, _In_ PULONG DllCharacteristics, _In_ PCUNICODE_STRING DllName, _Out_ HMODULE *BaseAddress);
NTSTATUS NTAPI LdrGetProcedureAddress(HMODULE BaseAddress, _In_ const ANSI_STRING *Name, ULONG Ordinal, _Out_ PVOID *ProcedureAddress);
NTSTATUS NTAPI LdrGetDllFullName(HMODULE BaseAddress, _Out_ PUNICODE_STRING FullDllName);
NTSTATUS NTAPI LdrGetDllPath(_In_ PCWSTR Module, ULONG Flags, _Out_ PWSTR *Path, _Out_ PWSTR *Unknown);
NTSTATUS NTAPI LdrGetDllDirectory(_Out_ PUNICODE_STRING Directory);
NTSTATUS NTAPI LdrSetDllDirectory(_In_ PCUNICODE_STRING Directory);
NTSTATUS NTAPI LdrAddDllDirectory(_In_ PCUNICODE_STRING Directory, _Out_ PVOID *Cookie);
NTSTATUS NTAPI LdrRemoveDllDirectory(PVOID Cookie);
NTSTATUS NTAPI LdrSetDefaultDllDirectories(ULONG Flags);
NTSTATUS NTAPI LdrAddRefDll(ULONG Flags, HMODULE BaseAddress);
NTSTATUS NTAPI LdrDisableThreadCalloutsForDll(HMODULE BaseAddress);
NTSTATUS NTAPI LdrFindEntryForAddress(_In_ const void *Address, _Out_ PVOID *Entry);
NTSTATUS NTAPI LdrLockLoaderLock(ULONG Flags, _Out_ PULONG Disposition, _Out_ PULONG_PTR Cookie);
NTSTATUS NTAPI LdrUnlockLoaderLock(ULONG Flags, ULONG_PTR Cookie);
NTSTATUS NTAPI LdrFindResource_U(HMODULE BaseAddress, _In_reads_(Level) const ULONG_PTR *ResourceInfo, ULONG Level, _Out_ PVOID *DataEntry);
NTSTATUS NTAPI LdrFindResourceDirectory_U(HMODULE BaseAddress, _In_reads_(Level) const ULONG_PTR *ResourceInfo, ULONG Level, _Out_ PVOID *Directory);
NTSTATUS NTAPI LdrAccessResource(HMODULE BaseAddress, _In_ const void *DataEntry, _Out_ PVOID *Resource, _Out_ PULONG Size);
NTSTATUS NTAPI LdrQueryImageFileExecutionOptions(_In_ PCUNICODE_STRING SubKey, _In_ PCWSTR ValueName, ULONG ValueType, _Out_writes_bytes_(DataSize) PVOID Data, ULONG DataSize, _Out_ PULONG ReturnLength);
NTSTATUS NTAPI LdrQueryProcessModuleInformation(_Out_writes_bytes_(Size) PVOID ModuleInformation, ULONG Size, _Out_ PULONG ReturnLength);
NTSTATUS NTAPI LdrRegisterDllNotification(ULONG Flags, PVOID NotificationFunction, PVOID Context, _Out_ PVOID *Cookie);
NTSTATUS NTAPI LdrUnregisterDllNotification(PVOID Cookie);
NTSTATUS NTAPI LdrEnumerateLoadedModules(PVOID Reserved, PVOID EnumProc, PVOID Context);
NTSTATUS NTAPI LdrVerifyImageMatchesChecksum(HANDLE File, PVOID Callback, PVOID Context, _Out_ PUSHORT Characteristics);
PVOID NTAPI LdrResolveDelayLoadedAPI(PVOID ParentBase, _In_ const void *DelayloadDescriptor, PVOID FailureDllHook, PVOID FailureSystemHook, _Out_ PVOID *ThunkAddress, ULONG Flags);
PVOID NTAPI LdrProcessRelocationBlock(PVOID Address, UINT Count, _In_ PUSHORT TypeOffset, INT_PTR Delta);
void NTAPI LdrShutdownProcess(void);
void NTAPI LdrShutdownThread(void);
void NTAPI LdrInitializeThunk(PCONTEXT Context, PVOID BaseAddress, ULONG_PTR Unknown3, ULONG_PTR Unknown4);

/* ---- ntdll: heaps */
PVOID NTAPI RtlReAllocateHeap(PVOID Heap, ULONG Flags, PVOID Memory, SIZE_T Size);
SIZE_T NTAPI RtlSizeHeap(PVOID Heap, ULONG Flags, const void *Memory);
BOOLEAN NTAPI RtlValidateHeap(PVOID Heap, ULONG Flags, const void *Memory);
BOOLEAN NTAPI RtlLockHeap(PVOID Heap);
BOOLEAN NTAPI RtlUnlockHeap(PVOID Heap);
ULONG NTAPI RtlCompactHeap(PVOID Heap, ULONG Flags);
NTSTATUS NTAPI RtlWalkHeap(PVOID Heap, _Inout_ PVOID Entry);
ULONG NTAPI RtlGetProcessHeaps(ULONG Count, _Out_writes_(Count) HANDLE *Heaps);
BOOLEAN NTAPI RtlGetUserInfoHeap(PVOID Heap, ULONG Flags, PVOID Memory, _Out_ PVOID *UserValue, _Out_ PULONG UserFlags);
BOOLEAN NTAPI RtlSetUserValueHeap(PVOID Heap, ULONG Flags, PVOID Memory, PVOID UserValue);
BOOLEAN NTAPI RtlSetUserFlagsHeap(PVOID Heap, ULONG Flags, PVOID Memory, ULONG ClearFlags, ULONG SetFlags);

/* ---- ntdll: locks */
NTSTATUS NTAPI RtlInitializeCriticalSection(_Out_ RTL_CRITICAL_SECTION *CriticalSection);
NTSTATUS NTAPI RtlInitializeCriticalSectionAndSpinCount(_Out_ RTL_CRITICAL_SECTION *CriticalSection, ULONG SpinCount);
NTSTATUS NTAPI RtlInitializeCriticalSectionEx(_Out_ RTL_CRITICAL_SECTION *CriticalSection, ULONG SpinCount, ULONG Flags);
ULONG NTAPI RtlSetCriticalSectionSpinCount(_Inout_ RTL_CRITICAL_SECTION *CriticalSection, ULONG SpinCount);
NTSTATUS NTAPI RtlDeleteCriticalSection(_Inout_ RTL_CRITICAL_SECTION *CriticalSection);
NTSTATUS NTAPI RtlEnterCriticalSection(_Inout_ RTL_CRITICAL_SECTION *CriticalSection);
NTSTATUS NTAPI RtlLeaveCriticalSection(_Inout_ RTL_CRITICAL_SECTION *CriticalSection);
BOOL NTAPI RtlTryEnterCriticalSection(_Inout_ RTL_CRITICAL_SECTION *CriticalSection);
BOOL NTAPI RtlIsCriticalSectionLocked(_In_ RTL_CRITICAL_SECTION *CriticalSection);
BOOL NTAPI RtlIsCriticalSectionLockedByThread(_In_ RTL_CRITICAL_SECTION *CriticalSection);
void NTAPI RtlpWaitForCriticalSection(_Inout_ RTL_CRITICAL_SECTION *CriticalSection);
void NTAPI RtlpUnWaitCriticalSection(_Inout_ RTL_CRITICAL_SECTION *CriticalSection);
void NTAPI RtlInitializeSRWLock(_Out_ RTL_SRWLOCK *Lock);
void NTAPI RtlAcquireSRWLockExclusive(_Inout_ RTL_SRWLOCK *Lock);
void NTAPI RtlAcquireSRWLockShared(_Inout_ RTL_SRWLOCK *Lock);
void NTAPI RtlReleaseSRWLockExclusive(_Inout_ RTL_SRWLOCK *Lock);
void NTAPI RtlReleaseSRWLockShared(_Inout_ RTL_SRWLOCK *Lock);
BOOLEAN NTAPI RtlTryAcquireSRWLockExclusive(_Inout_ RTL_SRWLOCK *Lock);
BOOLEAN NTAPI RtlTryAcquireSRWLockShared(_Inout_ RTL_SRWLOCK *Lock);
void NTAPI RtlInitializeConditionVariable(_Out_ RTL_CONDITION_VARIABLE *Variable);
void NTAPI RtlWakeConditionVariable(_Inout_ RTL_CONDITION_VARIABLE *Variable);
void NTAPI RtlWakeAllConditionVariable(_Inout_ RTL_CONDITION_VARIABLE *Variable);
NTSTATUS NTAPI RtlSleepConditionVariableCS(_Inout_ RTL_CONDITION_VARIABLE *Variable, _Inout_ RTL_CRITICAL_SECTION *CriticalSection, _In_ const LARGE_INTEGER *Timeout);
NTSTATUS NTAPI RtlSleepConditionVariableSRW(_Inout_ RTL_CONDITION_VARIABLE *Variable, _Inout_ RTL_SRWLOCK *Lock, _In_ const LARGE_INTEGER *Timeout, ULONG Flags);
NTSTATUS NTAPI RtlWaitOnAddress(_In_reads_bytes_(AddressSize) const void *Address, _In_reads_bytes_(AddressSize) const void *CompareAddress, SIZE_T AddressSize, _In_ const LARGE_INTEGER *Timeout);
void NTAPI RtlWakeAddressAll(const void *Address);
void NTAPI RtlWakeAddressSingle(const void *Address);
void NTAPI RtlInitializeResource(_Out_ PRTL_RESOURCE Resource);
void NTAPI RtlDeleteResource(PRTL_RESOURCE Resource);
BYTE NTAPI RtlAcquireResourceExclusive(PRTL_RESOURCE Resource, BYTE Wait);
BYTE NTAPI RtlAcquireResourceShared(PRTL_RESOURCE Resource, BYTE Wait);
void NTAPI RtlReleaseResource(PRTL_RESOURCE Resource);
void NTAPI RtlAcquirePebLock(void);
void NTAPI RtlReleasePebLock(void);

/* ---- ntdll: processes, threads, exceptions */
void NTAPI RtlExitUserProcess(ULONG ExitStatus);
void NTAPI RtlExitUserThread(ULONG ExitStatus);
NTSTATUS NTAPI RtlCreateUserThread(HANDLE Process, _In_ PSECURITY_DESCRIPTOR SecurityDescriptor, BOOLEAN Suspended, ULONG ZeroBits, SIZE_T StackReserve, SIZE_T StackCommit, PVOID StartAddress, PVOID Parameter, _Out_ HANDLE *Thread, _Out_ PVOID ClientId);
NTSTATUS NTAPI RtlCreateUserProcess(_Inout_ PUNICODE_STRING ImageName, ULONG Attributes, PVOID ProcessParameters, _In_ PSECURITY_DESCRIPTOR ProcessSecurity, _In_ PSECURITY_DESCRIPTOR ThreadSecurity, HANDLE ParentProcess, BOOLEAN InheritHandles, HANDLE DebugPort, HANDLE TokenHandle, _Out_ PVOID ProcessInformation);
NTSTATUS NTAPI RtlCreateUserStack(SIZE_T Commit, SIZE_T Reserve, ULONG ZeroBits, SIZE_T CommitAlign, SIZE_T ReserveAlign, _Out_ PVOID InitialTeb);
void NTAPI RtlFreeUserStack(PVOID Stack);
void NTAPI RtlUserThreadStart(PVOID Entry, PVOID Argument);
NTSTATUS NTAPI RtlCreateProcessParameters(_Out_ PVOID *Parameters, _In_ PCUNICODE_STRING ImagePath, _In_ PCUNICODE_STRING DllPath, _In_ PCUNICODE_STRING CurrentDirectory, _In_ PCUNICODE_STRING CommandLine, _In_ PWSTR Environment, _In_ PCUNICODE_STRING WindowTitle, _In_ PCUNICODE_STRING Desktop, _In_ PCUNICODE_STRING ShellInfo, _In_ PCUNICODE_STRING RuntimeInfo);
NTSTATUS NTAPI RtlCreateProcessParametersEx(_Out_ PVOID *Parameters, _In_ PCUNICODE_STRING ImagePath, _In_ PCUNICODE_STRING DllPath, _In_ PCUNICODE_STRING CurrentDirectory, _In_ PCUNICODE_STRING CommandLine, _In_ PWSTR Environment, _In_ PCUNICODE_STRING WindowTitle, _In_ PCUNICODE_STRING Desktop, _In_ PCUNICODE_STRING ShellInfo, _In_ PCUNICODE_STRING RuntimeInfo, ULONG Flags);
void NTAPI RtlDestroyProcessParameters(PVOID Parameters);
PVOID NTAPI RtlNormalizeProcessParams(PVOID Parameters);
PVOID NTAPI RtlDeNormalizeProcessParams(PVOID Parameters);
PVOID NTAPI RtlGetCurrentPeb(void);
NTSTATUS NTAPI RtlRemoteCall(HANDLE Process, HANDLE Thread, PVOID CallSite, ULONG ArgumentCount, _In_reads_(ArgumentCount) PULONG_PTR Arguments, BOOLEAN PassContext, BOOLEAN AlreadySuspended);
void NTAPI RtlRaiseException(_In_ EXCEPTION_RECORD *ExceptionRecord);
void NTAPI RtlRaiseStatus(NTSTATUS Status);
PVOID NTAPI RtlAddVectoredExceptionHandler(ULONG First, PVOID Handler);
PVOID NTAPI RtlAddVectoredContinueHandler(ULONG First, PVOID Handler);
ULONG NTAPI RtlRemoveVectoredExceptionHandler(PVOID Handle);
ULONG NTAPI RtlRemoveVectoredContinueHandler(PVOID Handle);
PVOID NTAPI RtlSetUnhandledExceptionFilter(PVOID Filter);
void NTAPI KiUserExceptionDispatcher(PEXCEPTION_RECORD ExceptionRecord, PCONTEXT Context);
void NTAPI KiUserApcDispatcher(PCONTEXT Context, ULONG_PTR Context1, ULONG_PTR Argument1, ULONG_PTR Argument2, PVOID Function);
ULONG NTAPI RtlGetThreadErrorMode(void);
NTSTATUS NTAPI RtlSetThreadErrorMode(ULONG Mode, _Out_ PULONG OldMode);
ULONG NTAPI RtlGetLastWin32Error(void);
void NTAPI RtlSetLastWin32Error(ULONG Error);
void NTAPI RtlRestoreLastWin32Error(ULONG Error);
NTSTATUS NTAPI RtlGetLastNtStatus(void);
void NTAPI RtlSetLastWin32ErrorAndNtStatusFromNtStatus(NTSTATUS Status);
NTSTATUS NTAPI RtlAdjustPrivilege(ULONG Privilege, BOOLEAN Enable, BOOLEAN CurrentThread, _Out_ PBOOLEAN Enabled);
NTSTATUS NTAPI RtlImpersonateSelf(SECURITY_IMPERSONATION_LEVEL Level);
BOOLEAN NTAPI RtlIsCurrentThread(HANDLE Thread);
BOOLEAN NTAPI RtlIsCurrentProcess(HANDLE Process);
BOOLEAN NTAPI RtlIsProcessorFeaturePresent(UINT Feature);
BOOLEAN NTAPI RtlDllShutdownInProgress(void);
PVOID NTAPI RtlEncodePointer(PVOID Pointer);
PVOID NTAPI RtlDecodePointer(PVOID Pointer);
PVOID NTAPI RtlEncodeSystemPointer(PVOID Pointer);
PVOID NTAPI RtlDecodeSystemPointer(PVOID Pointer);
NTSTATUS NTAPI RtlFlsAlloc(PVOID Callback, _Out_ PULONG Index);
NTSTATUS NTAPI RtlFlsFree(ULONG Index);
NTSTATUS NTAPI RtlFlsSetValue(ULONG Index, PVOID Value);
NTSTATUS NTAPI RtlFlsGetValue(ULONG Index, _Out_ PVOID *Value);
void NTAPI RtlGetCurrentProcessorNumberEx(_Out_ PPROCESSOR_NUMBER Processor);
PVOID NTAPI RtlGetFrame(void);
void NTAPI RtlPushFrame(PVOID Frame);
void NTAPI RtlPopFrame(PVOID Frame);
NTSTATUS NTAPI RtlWow64EnableFsRedirection(BOOLEAN Enable);
NTSTATUS NTAPI RtlWow64EnableFsRedirectionEx(ULONG Disable, _Out_ PULONG OldValue);
NTSTATUS NTAPI RtlWow64GetProcessMachines(HANDLE Process, _Out_ PUSHORT Current, _Out_ PUSHORT Native);
NTSTATUS NTAPI RtlWow64GetThreadContext(HANDLE Thread, _Inout_ PVOID Context);
NTSTATUS NTAPI RtlWow64SetThreadContext(HANDLE Thread, _In_ const void *Context);
void NTAPI DbgUserBreakPoint(void);
NTSTATUS NTAPI DbgUiConnectToDbg(void);
HANDLE NTAPI DbgUiGetThreadDebugObject(void);
void NTAPI DbgUiSetThreadDebugObject(HANDLE DebugObject);
NTSTATUS NTAPI DbgUiDebugActiveProcess(HANDLE Process);
NTSTATUS NTAPI DbgUiStopDebugging(HANDLE Process);
NTSTATUS NTAPI DbgUiContinue(_In_ PVOID ClientId, NTSTATUS ContinueStatus);
NTSTATUS NTAPI DbgUiWaitStateChange(_Out_ PVOID StateChange, _In_ PLARGE_INTEGER Timeout);
NTSTATUS NTAPI DbgUiIssueRemoteBreakin(HANDLE Process);
void NTAPI DbgUiRemoteBreakin(PVOID Argument);

/* ---- ntdll: images */
PIMAGE_NT_HEADERS NTAPI RtlImageNtHeader(HMODULE BaseAddress);
PVOID NTAPI RtlImageDirectoryEntryToData(HMODULE BaseAddress, BOOL MappedAsImage, WORD Directory, _Out_ PULONG Size);
PIMAGE_SECTION_HEADER NTAPI RtlImageRvaToSection(_In_ const IMAGE_NT_HEADERS *NtHeader, HMODULE BaseAddress, DWORD Rva);
PVOID NTAPI RtlImageRvaToVa(_In_ const IMAGE_NT_HEADERS *NtHeader, HMODULE BaseAddress, DWORD Rva, _Inout_ PIMAGE_SECTION_HEADER *Section);
PVOID NTAPI RtlFindExportedRoutineByName(HMODULE BaseAddress, _In_ const char *Name);
NTSTATUS NTAPI RtlFindMessage(HMODULE BaseAddress, ULONG Type, ULONG Language, ULONG Message, _Out_ PVOID *Entry);
NTSTATUS NTAPI RtlFormatMessage(_In_ PCWSTR Source, ULONG Width, BOOLEAN IgnoreInserts, BOOLEAN Ansi, BOOLEAN ArgumentsIsArray, PVOID Arguments, _Out_writes_bytes_(Size) PWSTR Buffer, ULONG Size, _Out_ PULONG ReturnLength);

/* ---- ntdll: strings, paths, environment */
BOOLEAN NTAPI RtlPrefixString(_In_ const STRING *String1, _In_ const STRING *String2, BOOLEAN IgnoreCase);
void NTAPI RtlEraseUnicodeString(_Inout_ PUNICODE_STRING String);
NTSTATUS NTAPI RtlAppendAsciizToString(_Inout_ STRING *Destination, _In_ PCSTR Source);
WCHAR NTAPI RtlAnsiCharToUnicodeChar(_Inout_ PSTR *Ansi);
ULONG NTAPI RtlAnsiStringToUnicodeSize(_In_ const STRING *String);
ULONG NTAPI RtlOemStringToUnicodeSize(_In_ const STRING *String);
ULONG NTAPI RtlUnicodeStringToAnsiSize(_In_ PCUNICODE_STRING String);
ULONG NTAPI RtlUnicodeStringToOemSize(_In_ PCUNICODE_STRING String);
NTSTATUS NTAPI RtlUpcaseUnicodeStringToAnsiString(_Out_ STRING *Destination, _In_ PCUNICODE_STRING Source, BOOLEAN Allocate);
NTSTATUS NTAPI RtlFindCharInUnicodeString(int Flags, _In_ PCUNICODE_STRING Main, _In_ PCUNICODE_STRING Search, _Out_ PUSHORT Position);
NTSTATUS NTAPI RtlIntegerToChar(ULONG Value, ULONG Base, ULONG Length, _Out_ PSTR String);
NTSTATUS NTAPI RtlLargeIntegerToChar(_In_ const ULONGLONG *Value, ULONG Base, ULONG Length, _Out_ PSTR String);
BOOLEAN NTAPI RtlIsTextUnicode(_In_reads_bytes_(Length) const void *Buffer, INT Length, _Inout_ INT *Flags);
NTSTATUS NTAPI RtlConsoleMultiByteToUnicodeN(_Out_writes_bytes_(Size) PWSTR Destination, DWORD Size, _Out_ PDWORD Result, _In_ PCSTR Source, DWORD Length, _Out_ PDWORD Unknown);
NTSTATUS NTAPI RtlLcidToLocaleName(LCID Lcid, _Out_ PUNICODE_STRING Name, ULONG Flags, BOOLEAN Allocate);
NTSTATUS NTAPI RtlLocaleNameToLcid(_In_ PCWSTR Name, _Out_ LCID *Lcid, ULONG Flags);
BOOLEAN NTAPI RtlIsValidLocaleName(_In_ PCWSTR Name, ULONG Flags);
ULONG NTAPI RtlDetermineDosPathNameType_U(_In_ PCWSTR Path);
ULONG NTAPI RtlIsDosDeviceName_U(_In_ PCWSTR Path);
BOOLEAN NTAPI RtlDoesFileExists_U(_In_ PCWSTR Path);
ULONG NTAPI RtlGetFullPathName_U(_In_ PCWSTR Path, ULONG Size, _Out_writes_bytes_(Size) PWSTR Buffer, _Out_ PWSTR *FilePart);
ULONG NTAPI RtlGetCurrentDirectory_U(ULONG Length, _Out_writes_bytes_(Length) PWSTR Buffer);
NTSTATUS NTAPI RtlSetCurrentDirectory_U(_In_ PCUNICODE_STRING Path);
ULONG NTAPI RtlDosSearchPath_U(_In_ PCWSTR Paths, _In_ PCWSTR Name, _In_ PCWSTR Extension, ULONG Size, _Out_writes_bytes_(Size) PWSTR Buffer, _Out_ PWSTR *FilePart);
NTSTATUS NTAPI RtlDosPathNameToNtPathName_U_WithStatus(_In_ PCWSTR DosPath, _Out_ PUNICODE_STRING NtPath, _Out_ PWSTR *FilePart, _Out_ PVOID RelativeName);
BOOLEAN NTAPI RtlDosPathNameToRelativeNtPathName_U(_In_ PCWSTR DosPath, _Out_ PUNICODE_STRING NtPath, _Out_ PWSTR *FilePart, _Out_ PVOID RelativeName);
NTSTATUS NTAPI RtlDosPathNameToRelativeNtPathName_U_WithStatus(_In_ PCWSTR DosPath, _Out_ PUNICODE_STRING NtPath, _Out_ PWSTR *FilePart, _Out_ PVOID RelativeName);
void NTAPI RtlReleaseRelativeName(PVOID RelativeName);
void NTAPI RtlReleasePath(PWSTR Path);
NTSTATUS NTAPI RtlGetExePath(_In_ PCWSTR Name, _Out_ PWSTR *Path);
NTSTATUS NTAPI RtlGetSearchPath(_Out_ PWSTR *Path);
NTSTATUS NTAPI RtlSetSearchPathMode(ULONG Flags);
ULONG NTAPI RtlGetLongestNtPathLength(void);
NTSTATUS NTAPI RtlCreateEnvironment(BOOLEAN Inherit, _Out_ PWSTR *Environment);
NTSTATUS NTAPI RtlDestroyEnvironment(PWSTR Environment);
void NTAPI RtlSetCurrentEnvironment(PWSTR New, _Out_ PWSTR *Old);
NTSTATUS NTAPI RtlQueryEnvironmentVariable_U(_In_ PCWSTR Environment, _In_ PCUNICODE_STRING Name, _Inout_ PUNICODE_STRING Value);
NTSTATUS NTAPI RtlQueryEnvironmentVariable(_In_ PCWSTR Environment, _In_ PCWSTR Name, SIZE_T NameLength, _Out_writes_(ValueLength) PWSTR Value, SIZE_T ValueLength, _Out_ PSIZE_T ReturnLength);
void NTAPI RtlSetEnvironmentVariable(_Inout_ PWSTR *Environment, _In_ PCUNICODE_STRING Name, _In_ PCUNICODE_STRING Value);
NTSTATUS NTAPI RtlExpandEnvironmentStrings_U(_In_ PCWSTR Environment, _In_ PCUNICODE_STRING Source, _Inout_ PUNICODE_STRING Destination, _Out_ PULONG ReturnLength);
NTSTATUS NTAPI RtlExpandEnvironmentStrings(_In_ PCWSTR Environment, _In_ PCWSTR Source, SIZE_T SourceLength, _Out_writes_(DestinationLength) PWSTR Destination, SIZE_T DestinationLength, _Out_ PSIZE_T ReturnLength);
NTSTATUS NTAPI RtlFormatCurrentUserKeyPath(_Out_ PUNICODE_STRING Path);
NTSTATUS NTAPI RtlOpenCurrentUser(ACCESS_MASK DesiredAccess, _Out_ PHANDLE Key);
BOOLEAN NTAPI RtlEqualComputerName(_In_ PCUNICODE_STRING Left, _In_ PCUNICODE_STRING Right);
BOOLEAN NTAPI RtlEqualDomainName(_In_ PCUNICODE_STRING Left, _In_ PCUNICODE_STRING Right);
DWORD NTAPI RtlComputeCrc32(DWORD Initial, _In_reads_bytes_(Length) const BYTE *Data, INT Length);
NTSTATUS NTAPI RtlIpv6StringToAddressA(_In_ PCSTR String, _Out_ PCSTR *Terminator, _Out_ struct in6_addr *Address);
NTSTATUS NTAPI RtlIpv6StringToAddressW(_In_ PCWSTR String, _Out_ PCWSTR *Terminator, _Out_ struct in6_addr *Address);

/* ---- ntdll: time, system */
BOOL NTAPI RtlQueryPerformanceCounter(_Out_ PLARGE_INTEGER Counter);
BOOL NTAPI RtlQueryPerformanceFrequency(_Out_ PLARGE_INTEGER Frequency);
BOOL NTAPI RtlQueryUnbiasedInterruptTime(_Out_ PULONGLONG Time);
LONGLONG NTAPI RtlGetSystemTimePrecise(void);
NTSTATUS NTAPI RtlSystemTimeToLocalTime(_In_ const LARGE_INTEGER *SystemTime, _Out_ PLARGE_INTEGER LocalTime);
NTSTATUS NTAPI RtlQueryTimeZoneInformation(_Out_ TIME_ZONE_INFORMATION *Information);
NTSTATUS NTAPI RtlSetTimeZoneInformation(_In_ const TIME_ZONE_INFORMATION *Information);
NTSTATUS NTAPI RtlQueryDynamicTimeZoneInformation(_Out_ DYNAMIC_TIME_ZONE_INFORMATION *Information);
ULONG NTAPI NtGetTickCount(void);
ULONG NTAPI RtlGetNtGlobalFlags(void);
BOOLEAN NTAPI RtlGetNtProductType(_Out_ PULONG Type);
void NTAPI RtlGetNtVersionNumbers(_Out_ PULONG Major, _Out_ PULONG Minor, _Out_ PULONG Build);
NTSTATUS NTAPI RtlGetNativeSystemInformation(SYSTEM_INFORMATION_CLASS Class, _Out_writes_bytes_(Length) PVOID Information, ULONG Length, _Out_ PULONG ReturnLength);
NTSTATUS NTAPI RtlGetUserPreferredUILanguages(DWORD Flags, ULONG Unknown, _Out_ PULONG Count, _Out_writes_(Size) PWSTR Buffer, _Inout_ PULONG Size);
NTSTATUS NTAPI RtlGetSystemPreferredUILanguages(DWORD Flags, ULONG Unknown, _Out_ PULONG Count, _Out_writes_(Size) PWSTR Buffer, _Inout_ PULONG Size);
NTSTATUS NTAPI RtlGetProcessPreferredUILanguages(DWORD Flags, _Out_ PULONG Count, _Out_writes_(Size) PWSTR Buffer, _Inout_ PULONG Size);
NTSTATUS NTAPI RtlGetThreadPreferredUILanguages(DWORD Flags, _Out_ PULONG Count, _Out_writes_(Size) PWSTR Buffer, _Inout_ PULONG Size);
BOOL NTAPI WinSqmIsOptedIn(void);
HANDLE NTAPI WinSqmStartSession(_In_ GUID *Session, DWORD Id, DWORD Flags);
NTSTATUS NTAPI WinSqmEndSession(HANDLE Session);
void NTAPI WinSqmIncrementDWORD(DWORD A, DWORD B, DWORD C);
BOOL NTAPI ApiSetQueryApiSetPresenceEx(_In_ PCUNICODE_STRING Name, _Out_ PBOOLEAN InSchema, _Out_ PBOOLEAN Present);
BOOL NTAPI ApiSetQueryApiSetPresence(_In_ PCUNICODE_STRING Name, _Out_ PBOOLEAN Present);
NTSTATUS NTAPI EtwEventRegister(_In_ const GUID *Provider, PVOID Callback, PVOID Context, _Out_ PULONGLONG Handle);
NTSTATUS NTAPI EtwEventUnregister(ULONGLONG Handle);
NTSTATUS NTAPI EtwEventSetInformation(ULONGLONG Handle, ULONG Class, _In_reads_bytes_(Length) PVOID Information, ULONG Length);
ULONG NTAPI EtwEventWrite(ULONGLONG Handle, _In_ const void *Descriptor, ULONG Count, _In_ PVOID Data);
BOOLEAN NTAPI EtwEventProviderEnabled(ULONGLONG Handle, UCHAR Level, ULONGLONG Keyword);
ULONG NTAPI EtwUnregisterTraceGuids(ULONGLONG Handle);

/* ---- ntdll: timers, the thread pool, activation contexts, atoms */
NTSTATUS NTAPI RtlCreateTimerQueue(_Out_ PHANDLE Queue);
NTSTATUS NTAPI RtlDeleteTimerQueueEx(HANDLE Queue, HANDLE CompletionEvent);
NTSTATUS NTAPI RtlCreateTimer(HANDLE Queue, _Out_ PHANDLE Timer, PVOID Callback, PVOID Parameter, DWORD DueTime, DWORD Period, ULONG Flags);
NTSTATUS NTAPI RtlUpdateTimer(HANDLE Queue, HANDLE Timer, DWORD DueTime, DWORD Period);
NTSTATUS NTAPI RtlDeleteTimer(HANDLE Queue, HANDLE Timer, HANDLE CompletionEvent);
NTSTATUS NTAPI RtlRegisterWait(_Out_ PHANDLE NewWait, HANDLE Object, PVOID Callback, PVOID Context, ULONG Milliseconds, ULONG Flags);
NTSTATUS NTAPI RtlDeregisterWait(HANDLE Wait);
NTSTATUS NTAPI RtlDeregisterWaitEx(HANDLE Wait, HANDLE CompletionEvent);
NTSTATUS NTAPI RtlQueueWorkItem(PVOID Function, PVOID Context, ULONG Flags);
NTSTATUS NTAPI RtlSetIoCompletionCallback(HANDLE File, PVOID Function, ULONG Flags);
NTSTATUS NTAPI TpAllocPool(_Out_ PTP_POOL *Pool, PVOID Reserved);
void NTAPI TpReleasePool(PTP_POOL Pool);
void NTAPI TpSetPoolMaxThreads(PTP_POOL Pool, DWORD Maximum);
BOOL NTAPI TpSetPoolMinThreads(PTP_POOL Pool, DWORD Minimum);
NTSTATUS NTAPI TpAllocCleanupGroup(_Out_ PTP_CLEANUP_GROUP *Group);
void NTAPI TpReleaseCleanupGroup(PTP_CLEANUP_GROUP Group);
void NTAPI TpReleaseCleanupGroupMembers(PTP_CLEANUP_GROUP Group, BOOL CancelPending, PVOID Context);
NTSTATUS NTAPI TpAllocWork(_Out_ PTP_WORK *Work, PVOID Callback, PVOID Context, _In_ PVOID Environment);
void NTAPI TpPostWork(PTP_WORK Work);
void NTAPI TpReleaseWork(PTP_WORK Work);
void NTAPI TpWaitForWork(PTP_WORK Work, BOOL CancelPending);
NTSTATUS NTAPI TpSimpleTryPost(PVOID Callback, PVOID Context, _In_ PVOID Environment);
NTSTATUS NTAPI TpAllocTimer(_Out_ PTP_TIMER *Timer, PVOID Callback, PVOID Context, _In_ PVOID Environment);
void NTAPI TpSetTimer(PTP_TIMER Timer, _In_ LARGE_INTEGER *DueTime, LONG Period, LONG Window);
BOOL NTAPI TpIsTimerSet(PTP_TIMER Timer);
void NTAPI TpReleaseTimer(PTP_TIMER Timer);
void NTAPI TpWaitForTimer(PTP_TIMER Timer, BOOL CancelPending);
NTSTATUS NTAPI TpAllocWait(_Out_ PTP_WAIT *Wait, PVOID Callback, PVOID Context, _In_ PVOID Environment);
void NTAPI TpSetWait(PTP_WAIT Wait, HANDLE Object, _In_ LARGE_INTEGER *Timeout);
void NTAPI TpReleaseWait(PTP_WAIT Wait);
void NTAPI TpWaitForWait(PTP_WAIT Wait, BOOL CancelPending);
NTSTATUS NTAPI TpAllocIoCompletion(_Out_ PTP_IO *Io, HANDLE File, PVOID Callback, PVOID Context, _In_ PVOID Environment);
void NTAPI TpStartAsyncIoOperation(PTP_IO Io);
void NTAPI TpCancelAsyncIoOperation(PTP_IO Io);
void NTAPI TpReleaseIoCompletion(PTP_IO Io);
void NTAPI TpWaitForIoCompletion(PTP_IO Io, BOOL CancelPending);
BOOL NTAPI TpCallbackMayRunLong(PTP_CALLBACK_INSTANCE Instance);
void NTAPI TpDisassociateCallback(PTP_CALLBACK_INSTANCE Instance);
void NTAPI TpCallbackLeaveCriticalSectionOnCompletion(PTP_CALLBACK_INSTANCE Instance, _Inout_ RTL_CRITICAL_SECTION *CriticalSection);
void NTAPI TpCallbackReleaseMutexOnCompletion(PTP_CALLBACK_INSTANCE Instance, HANDLE Mutex);
void NTAPI TpCallbackReleaseSemaphoreOnCompletion(PTP_CALLBACK_INSTANCE Instance, HANDLE Semaphore, DWORD Count);
void NTAPI TpCallbackSetEventOnCompletion(PTP_CALLBACK_INSTANCE Instance, HANDLE Event);
void NTAPI TpCallbackUnloadDllOnCompletion(PTP_CALLBACK_INSTANCE Instance, HMODULE Module);
NTSTATUS NTAPI RtlCreateActivationContext(_Out_ HANDLE *Handle, _In_ const void *Context);
void NTAPI RtlAddRefActivationContext(HANDLE Handle);
void NTAPI RtlReleaseActivationContext(HANDLE Handle);
NTSTATUS NTAPI RtlZombifyActivationContext(HANDLE Handle);
NTSTATUS NTAPI RtlActivateActivationContext(ULONG Flags, HANDLE Handle, _Out_ PULONG_PTR Cookie);
NTSTATUS NTAPI RtlActivateActivationContextEx(ULONG Flags, PVOID Teb, HANDLE Handle, _Out_ PULONG_PTR Cookie);
void NTAPI RtlDeactivateActivationContext(ULONG Flags, ULONG_PTR Cookie);
NTSTATUS NTAPI RtlGetActiveActivationContext(_Out_ HANDLE *Handle);
BOOLEAN NTAPI RtlIsActivationContextActive(HANDLE Handle);
NTSTATUS NTAPI RtlFindActivationContextSectionString(ULONG Flags, _In_ const GUID *Guid, ULONG Section, _In_ PCUNICODE_STRING Name, _Out_ PVOID Data);
NTSTATUS NTAPI RtlFindActivationContextSectionGuid(ULONG Flags, _In_ const GUID *Extension, ULONG Section, _In_ const GUID *Guid, _Out_ PVOID Data);
NTSTATUS NTAPI RtlQueryInformationActivationContext(ULONG Flags, HANDLE Handle, PVOID Instance, ULONG Class, _Out_writes_bytes_(Size) PVOID Buffer, SIZE_T Size, _Out_ PSIZE_T ReturnLength);
NTSTATUS NTAPI RtlQueryInformationActiveActivationContext(ULONG Class, _Out_writes_bytes_(Size) PVOID Buffer, SIZE_T Size, _Out_ PSIZE_T ReturnLength);
NTSTATUS NTAPI RtlCreateAtomTable(ULONG Size, _Out_ PRTL_ATOM_TABLE *Table);
NTSTATUS NTAPI RtlDestroyAtomTable(PRTL_ATOM_TABLE Table);
NTSTATUS NTAPI RtlEmptyAtomTable(PRTL_ATOM_TABLE Table, BOOLEAN DeletePinned);
NTSTATUS NTAPI RtlAddAtomToAtomTable(PRTL_ATOM_TABLE Table, _In_ PCWSTR Name, _Out_ PUSHORT Atom);
NTSTATUS NTAPI RtlLookupAtomInAtomTable(PRTL_ATOM_TABLE Table, _In_ PCWSTR Name, _Out_ PUSHORT Atom);
NTSTATUS NTAPI RtlDeleteAtomFromAtomTable(PRTL_ATOM_TABLE Table, USHORT Atom);
NTSTATUS NTAPI RtlPinAtomInAtomTable(PRTL_ATOM_TABLE Table, USHORT Atom);
NTSTATUS NTAPI RtlQueryAtomInAtomTable(PRTL_ATOM_TABLE Table, USHORT Atom, _Out_ PULONG Reference, _Out_ PULONG Pinned, _Out_writes_bytes_(Length) PWSTR Name, _Inout_ PULONG Length);
void NTAPI RtlInitializeHandleTable(ULONG Maximum, ULONG Size, _Out_ PRTL_HANDLE_TABLE Table);
NTSTATUS NTAPI RtlDestroyHandleTable(PRTL_HANDLE_TABLE Table);
PVOID NTAPI RtlAllocateHandle(PRTL_HANDLE_TABLE Table, _Out_ PULONG Index);
BOOLEAN NTAPI RtlFreeHandle(PRTL_HANDLE_TABLE Table, PVOID Handle);
BOOLEAN NTAPI RtlIsValidHandle(PRTL_HANDLE_TABLE Table, PVOID Handle);
BOOLEAN NTAPI RtlIsValidIndexHandle(PRTL_HANDLE_TABLE Table, ULONG Index, _Out_ PVOID *Handle);

/* ---- ntdll: security */
BOOLEAN NTAPI RtlAreAllAccessesGranted(ACCESS_MASK Granted, ACCESS_MASK Desired);
BOOLEAN NTAPI RtlAreAnyAccessesGranted(ACCESS_MASK Granted, ACCESS_MASK Desired);
NTSTATUS NTAPI RtlAddAccessDeniedAce(PACL Acl, DWORD Revision, ACCESS_MASK Access, PSID Sid);
NTSTATUS NTAPI RtlAddAccessDeniedAceEx(PACL Acl, DWORD Revision, DWORD AceFlags, ACCESS_MASK Access, PSID Sid);
NTSTATUS NTAPI RtlAddAuditAccessAce(PACL Acl, DWORD Revision, ACCESS_MASK Access, PSID Sid, BOOL Success, BOOL Failure);
NTSTATUS NTAPI RtlAddAuditAccessAceEx(PACL Acl, DWORD Revision, DWORD AceFlags, ACCESS_MASK Access, PSID Sid, BOOL Success, BOOL Failure);
NTSTATUS NTAPI RtlAddMandatoryAce(PACL Acl, DWORD Revision, DWORD AceFlags, DWORD Policy, DWORD Type, PSID Sid);
NTSTATUS NTAPI RtlCopySecurityDescriptor(PSECURITY_DESCRIPTOR Source, _Out_ PVOID Destination);
NTSTATUS NTAPI RtlGetControlSecurityDescriptor(PSECURITY_DESCRIPTOR Descriptor, _Out_ PSECURITY_DESCRIPTOR_CONTROL Control, _Out_ PDWORD Revision);
NTSTATUS NTAPI RtlSetControlSecurityDescriptor(PSECURITY_DESCRIPTOR Descriptor, SECURITY_DESCRIPTOR_CONTROL Mask, SECURITY_DESCRIPTOR_CONTROL Bits);
NTSTATUS NTAPI RtlMakeSelfRelativeSD(PSECURITY_DESCRIPTOR Absolute, _Out_writes_bytes_(Length) PVOID Relative, _Inout_ PULONG Length);
NTSTATUS NTAPI RtlQueryInformationAcl(PACL Acl, _Out_writes_bytes_(Length) PVOID Information, DWORD Length, ACL_INFORMATION_CLASS Class);
NTSTATUS NTAPI RtlSetInformationAcl(PACL Acl, _In_reads_bytes_(Length) PVOID Information, DWORD Length, ACL_INFORMATION_CLASS Class);
BOOLEAN NTAPI RtlFirstFreeAce(PACL Acl, _Out_ PVOID *Ace);
BOOLEAN NTAPI RtlValidAcl(PACL Acl);
NTSTATUS NTAPI RtlDeleteSecurityObject(_Inout_ PSECURITY_DESCRIPTOR *Object);
NTSTATUS NTAPI RtlNewSecurityObject(PSECURITY_DESCRIPTOR Parent, PSECURITY_DESCRIPTOR Creator, _Out_ PSECURITY_DESCRIPTOR *New, BOOLEAN IsDirectory, HANDLE Token, _In_ PGENERIC_MAPPING Mapping);
NTSTATUS NTAPI RtlQuerySecurityObject(PSECURITY_DESCRIPTOR Object, SECURITY_INFORMATION Information, _Out_ PVOID Result, ULONG Length, _Out_ PULONG ReturnLength);
NTSTATUS NTAPI RtlConvertToAutoInheritSecurityObject(PSECURITY_DESCRIPTOR Parent, PSECURITY_DESCRIPTOR Current, _Out_ PSECURITY_DESCRIPTOR *New, _In_ GUID *ObjectType, BOOL IsDirectory, _In_ PGENERIC_MAPPING Mapping);

/* ---- ntdll: client of csrss, tracing, debugging */
PVOID NTAPI CsrAllocateCaptureBuffer(ULONG ArgumentCount, ULONG BufferSize);
void NTAPI CsrFreeCaptureBuffer(PVOID CaptureBuffer);
ULONG NTAPI CsrAllocateMessagePointer(_Inout_ PVOID CaptureBuffer, ULONG Length, _Out_ PVOID *Pointer);
void NTAPI CsrCaptureMessageBuffer(_Inout_ PVOID CaptureBuffer, _In_reads_bytes_(Length) PVOID Buffer, ULONG Length, _Out_ PVOID *CapturedBuffer);
void NTAPI CsrCaptureMessageString(_Inout_ PVOID CaptureBuffer, _In_ PCSTR String, ULONG Length, ULONG MaximumLength, _Out_ PVOID CapturedString);
NTSTATUS NTAPI CsrClientCallServer(_Inout_ PVOID ApiMessage, PVOID CaptureBuffer, ULONG ApiNumber, ULONG ArgLength);
NTSTATUS NTAPI CsrClientConnectToServer(_In_ PWSTR ObjectDirectory, ULONG ServerDllIndex, _In_ PVOID ConnectionInformation, ULONG ConnectionInformationLength, _Out_ PBOOLEAN CalledFromServer);
NTSTATUS NTAPI CsrIdentifyAlertableThread(void);
NTSTATUS NTAPI CsrNewThread(void);
void NTAPI CsrProbeForRead(PVOID Address, ULONG Length, ULONG Alignment);
void NTAPI CsrProbeForWrite(PVOID Address, ULONG Length, ULONG Alignment);
NTSTATUS NTAPI CsrSetPriorityClass(HANDLE ProcessHandle, _Inout_ PULONG PriorityClass);
NTSTATUS NTAPI DbgUiConvertStateChangeStructure(_In_ PVOID WaitStateChange, _Out_ LPDEBUG_EVENT DebugEvent);
ULONG NTAPI EtwEventActivityIdControl(ULONG ControlCode, _Inout_ LPGUID ActivityId);
ULONG NTAPI EtwEventWriteString(REGHANDLE RegHandle, UCHAR Level, ULONGLONG Keyword, _In_ PCWSTR String);
ULONG NTAPI EtwEventWriteTransfer(REGHANDLE RegHandle, _In_ const void *EventDescriptor, _In_ const GUID *ActivityId, _In_ const GUID *RelatedActivityId, ULONG UserDataCount, _In_ PVOID UserData);
ULONG NTAPI EtwGetTraceEnableFlags(TRACEHANDLE TraceHandle);
UCHAR NTAPI EtwGetTraceEnableLevel(TRACEHANDLE TraceHandle);
TRACEHANDLE NTAPI EtwGetTraceLoggerHandle(_In_ PVOID Buffer);
ULONG NTAPI EtwLogTraceEvent(TRACEHANDLE TraceHandle, _In_ PVOID EventTrace);
ULONG NTAPI EtwRegisterTraceGuidsA(PVOID RequestAddress, PVOID RequestContext, _In_ const GUID *ControlGuid, ULONG GuidCount, _Inout_ PVOID TraceGuidReg, _In_ PCSTR MofImagePath, _In_ PCSTR MofResourceName, _Out_ TRACEHANDLE *RegistrationHandle);
ULONG NTAPI EtwRegisterTraceGuidsW(PVOID RequestAddress, PVOID RequestContext, _In_ const GUID *ControlGuid, ULONG GuidCount, _Inout_ PVOID TraceGuidReg, _In_ PCWSTR MofImagePath, _In_ PCWSTR MofResourceName, _Out_ TRACEHANDLE *RegistrationHandle);
ULONG __cdecl EtwTraceMessage(TRACEHANDLE LoggerHandle, ULONG MessageFlags, _In_ const GUID *MessageGuid, USHORT MessageNumber, ...);
ULONG NTAPI EtwTraceMessageVa(TRACEHANDLE LoggerHandle, ULONG MessageFlags, _In_ const GUID *MessageGuid, USHORT MessageNumber, va_list MessageArgList);
PVOID NTAPI RtlCreateQueryDebugBuffer(ULONG MaximumCommit, BOOLEAN UseEventPair);
NTSTATUS NTAPI RtlDestroyQueryDebugBuffer(PVOID Buffer);
NTSTATUS NTAPI RtlQueryProcessDebugInformation(ULONG_PTR ProcessId, ULONG Flags, _Inout_ PVOID Buffer);
NTSTATUS NTAPI RtlQueryProcessHeapInformation(_Inout_ PVOID Buffer);
NTSTATUS NTAPI RtlQueryProcessLockInformation(_Inout_ PVOID Buffer);
NTSTATUS NTAPI RtlQueryProcessBackTraceInformation(_Inout_ PVOID Buffer);
PVOID NTAPI RtlGetUnloadEventTrace(void);
void NTAPI RtlGetUnloadEventTraceEx(_Out_ PULONG *ElementSize, _Out_ PULONG *ElementCount, _Out_ PVOID *EventTrace);
void NTAPI RtlGetCallersAddress(_Out_ PVOID *CallersAddress, _Out_ PVOID *CallersCaller);

/* ---- ntdll: more of the loader and of heaps */
NTSTATUS NTAPI LdrEnumResources(PVOID ImageBase, _In_ PVOID ResourceInfo, ULONG Level, _Inout_ PULONG ResourceCount, _Out_ PVOID Resources);
BOOLEAN NTAPI LdrFlushAlternateResourceModules(void);
NTSTATUS NTAPI LdrLoadAlternateResourceModule(PVOID Module, _Out_ PVOID *Alternate, _Out_ PSIZE_T Size, ULONG Flags);
BOOLEAN NTAPI LdrUnloadAlternateResourceModule(PVOID Module);
NTSTATUS NTAPI LdrSetAppCompatDllRedirectionCallback(ULONG Flags, PVOID CallbackFunction, PVOID CallbackData);
void NTAPI LdrSetDllManifestProber(PVOID Routine);
NTSTATUS NTAPI RtlEnumProcessHeaps(PVOID EnumRoutine, PVOID Context);
NTSTATUS NTAPI RtlExtendHeap(PVOID Heap, ULONG Flags, PVOID Base, SIZE_T Size);
BOOLEAN NTAPI RtlValidateProcessHeaps(void);
PVOID NTAPI RtlProtectHeap(PVOID Heap, BOOLEAN MakeReadOnly);
NTSTATUS NTAPI RtlZeroHeap(PVOID Heap, ULONG Flags);
NTSTATUS NTAPI RtlUsageHeap(PVOID Heap, ULONG Flags, _Inout_ PVOID Usage);
ULONG NTAPI RtlCreateTagHeap(PVOID Heap, ULONG Flags, _In_ PCWSTR TagPrefix, _In_ PCWSTR TagNames);
PWSTR NTAPI RtlQueryTagHeap(PVOID Heap, ULONG Flags, USHORT TagIndex, BOOLEAN ResetCounters, _Out_ PVOID TagInfo);
NTSTATUS NTAPI RtlRegisterSecureMemoryCacheCallback(PVOID Callback);

/* ---- ntdll: contexts and extended state */
NTSTATUS NTAPI RtlCopyContext(_Inout_ PCONTEXT Context, ULONG ContextFlags, _In_ PCONTEXT Source);
NTSTATUS NTAPI RtlCopyExtendedContext(_Inout_ PVOID Destination, ULONG ContextFlags, _In_ PVOID Source);
ULONG NTAPI RtlGetExtendedContextLength(ULONG ContextFlags, _Out_ PULONG ContextLength);
ULONG NTAPI RtlGetExtendedContextLength2(ULONG ContextFlags, _Out_ PULONG ContextLength, ULONGLONG XStateCompactionMask);
ULONG NTAPI RtlInitializeExtendedContext(_Out_ PVOID Context, ULONG ContextFlags, _Out_ PVOID *ContextEx);
ULONG NTAPI RtlInitializeExtendedContext2(_Out_ PVOID Context, ULONG ContextFlags, _Out_ PVOID *ContextEx, ULONGLONG XStateCompactionMask);
ULONGLONG NTAPI RtlGetExtendedFeaturesMask(_In_ PVOID ContextEx);
void NTAPI RtlSetExtendedFeaturesMask(_Inout_ PVOID ContextEx, ULONGLONG FeatureMask);
PVOID NTAPI RtlLocateExtendedFeature(_In_ PVOID ContextEx, ULONG FeatureId, _Out_ PULONG Length);
PVOID NTAPI RtlLocateExtendedFeature2(_In_ PVOID ContextEx, ULONG FeatureId, _In_ PVOID Configuration, _Out_ PULONG Length);
PVOID NTAPI RtlLocateLegacyContext(_In_ PVOID ContextEx, _Out_ PULONG Length);
void NTAPI RtlRestoreContext(_In_ PCONTEXT ContextRecord, _In_ PEXCEPTION_RECORD ExceptionRecord);
void NTAPI RtlInitializeContext(HANDLE ProcessHandle, _Out_ PCONTEXT Context, PVOID Parameter, PVOID InitialPc, PVOID InitialSp);
PVOID NTAPI RtlLookupFunctionTable(ULONG_PTR ControlPc, _Out_ PVOID *ImageBase, _Out_ PULONG Length);
NTSTATUS NTAPI RtlVirtualUnwind2(ULONG HandlerType, ULONG_PTR ImageBase, ULONG_PTR ControlPc, _In_ PVOID FunctionEntry, _Inout_ PCONTEXT ContextRecord, _Inout_ PBOOLEAN MachineFrameUnwound, _Out_ PVOID *HandlerData, _Out_ PULONG_PTR EstablisherFrame, _Inout_ PVOID ContextPointers, _In_ PULONG_PTR LowLimit, _In_ PULONG_PTR HighLimit, _Out_ PVOID *HandlerRoutine, ULONG UnwindFlags);
BOOLEAN NTAPI RtlIsEcCode(ULONG_PTR CodePointer);
NTSTATUS NTAPI RtlQueueApcWow64Thread(HANDLE ThreadHandle, PVOID ApcRoutine, PVOID Argument1, PVOID Argument2, PVOID Argument3);
NTSTATUS NTAPI RtlWow64GetCpuAreaInfo(_In_ PVOID CpuReserved, ULONG Reserved, _Out_ PVOID CpuAreaInfo);
NTSTATUS NTAPI RtlWow64GetCurrentCpuArea(_Out_ PUSHORT Machine, _Out_ PVOID *Context, _Out_ PVOID *ContextEx);
USHORT NTAPI RtlWow64GetCurrentMachine(void);
NTSTATUS NTAPI RtlWow64GetSharedInfoProcess(HANDLE ProcessHandle, _Out_ PBOOLEAN IsWow64, _Out_ PVOID SharedInfo);
NTSTATUS NTAPI RtlWow64GetThreadSelectorEntry(HANDLE ThreadHandle, _Inout_updates_bytes_(Length) PVOID Information, ULONG Length, _Out_ PULONG ReturnLength);
NTSTATUS NTAPI RtlWow64IsWowGuestMachineSupported(USHORT Machine, _Out_ PBOOLEAN IsSupported);

/* ---- ntdll: numbers, lists and the rest */
LONGLONG NTAPI RtlConvertLongToLargeInteger(LONG SignedInteger);
ULONGLONG NTAPI RtlConvertUlongToLargeInteger(ULONG UnsignedInteger);
LONGLONG NTAPI RtlLargeIntegerAdd(LONGLONG Addend1, LONGLONG Addend2);
LONGLONG NTAPI RtlLargeIntegerSubtract(LONGLONG Minuend, LONGLONG Subtrahend);
LONGLONG NTAPI RtlLargeIntegerNegate(LONGLONG Number);
LONGLONG NTAPI RtlLargeIntegerShiftLeft(LONGLONG Number, CCHAR ShiftCount);
LONGLONG NTAPI RtlLargeIntegerShiftRight(LONGLONG Number, CCHAR ShiftCount);
LONGLONG NTAPI RtlLargeIntegerArithmeticShift(LONGLONG Number, CCHAR ShiftCount);
LONGLONG NTAPI RtlEnlargedIntegerMultiply(LONG Multiplicand, LONG Multiplier);
ULONGLONG NTAPI RtlEnlargedUnsignedMultiply(ULONG Multiplicand, ULONG Multiplier);
ULONG NTAPI RtlEnlargedUnsignedDivide(ULONGLONG Dividend, ULONG Divisor, _Out_ PULONG Remainder);
LONGLONG NTAPI RtlInterlockedCompareExchange64(_Inout_ LONGLONG *Destination, LONGLONG Exchange, LONGLONG Comparand);
BOOLEAN NTAPI RtlEqualLuid(_In_ const LUID *Luid1, _In_ const LUID *Luid2);
void NTAPI RtlCopyLuidAndAttributesArray(ULONG Count, _In_ PVOID Source, _Out_ PVOID Destination);
NTSTATUS NTAPI RtlCopySidAndAttributesArray(ULONG Count, _In_ PVOID Source, ULONG SidAreaSize, _Out_ PVOID Destination, _Out_ PVOID SidArea, _Out_ PVOID *RemainingSidArea, _Out_ PULONG RemainingSidAreaSize);
void NTAPI RtlConvertExclusiveToShared(_Inout_ PRTL_RESOURCE Resource);
void NTAPI RtlConvertSharedToExclusive(_Inout_ PRTL_RESOURCE Resource);
void NTAPI RtlDumpResource(PRTL_RESOURCE Resource);
void NTAPI RtlFreeActivationContextStack(PVOID Stack);
void NTAPI RtlFreeThreadActivationContextStack(void);
PVOID NTAPI RtlGetCurrentTransaction(void);
BOOL NTAPI RtlSetCurrentTransaction(PVOID NewTransaction);
void NTAPI RtlGetDeviceFamilyInfoEnum(_Out_ ULONGLONG *UapInfo, _Out_ PULONG DeviceFamily, _Out_ PULONG DeviceForm);
NTSTATUS NTAPI RtlConvertDeviceFamilyInfoToString(_Inout_ PULONG DeviceFamilyBufferSize, _Inout_ PULONG DeviceFormBufferSize, _Out_ PWSTR DeviceFamily, _Out_ PWSTR DeviceForm);
NTSTATUS NTAPI RtlGetLocaleFileMappingAddress(_Out_ PVOID *BaseAddress, _Out_ LCID *DefaultLocaleId, _Out_ PLARGE_INTEGER DefaultCasingTableSize);
void NTAPI RtlInitNlsTables(_In_ PUSHORT AnsiNlsBase, _In_ PUSHORT OemNlsBase, _In_ PUSHORT LanguageNlsBase, _Out_ PVOID TableInfo);
void NTAPI RtlResetRtlTranslations(_In_ PVOID TableInfo);
NTSTATUS NTAPI RtlInitializeNtUserPfn(_In_ PVOID ClientA, ULONG SizeA, _In_ PVOID ClientW, ULONG SizeW, _In_ PVOID Worker, ULONG SizeWorker);
NTSTATUS NTAPI RtlResetNtUserPfn(void);
NTSTATUS NTAPI RtlRetrieveNtUserPfn(_Out_ PVOID *ClientA, _Out_ PVOID *ClientW, _Out_ PVOID *Worker);
void NTAPI RtlProcessFlsData(PVOID FlsData, ULONG Flags);
ULONG NTAPI RtlQueryProcessPlaceholderCompatibilityMode(void);
NTSTATUS NTAPI RtlQueryPackageIdentity(HANDLE Token, _Out_ PWSTR FullName, _Inout_ PSIZE_T FullNameSize, _Out_ PWSTR AppId, _Inout_ PSIZE_T AppIdSize, _Out_ PBOOLEAN Packaged);
NTSTATUS NTAPI RtlQueryRegistryValuesEx(ULONG RelativeTo, _In_ PCWSTR Path, _In_ PVOID QueryTable, PVOID Context, PVOID Environment);
NTSTATUS NTAPI RtlQueryActivationContextApplicationSettings(ULONG Flags, HANDLE ActivationContext, _In_ PCWSTR SettingsNameSpace, _In_ PCWSTR SettingName, _Out_writes_(BufferLength) PWSTR Buffer, SIZE_T BufferLength, _Out_ PSIZE_T RequiredLength);
void NTAPI RtlRbInsertNodeEx(_Inout_ PVOID Tree, PVOID Parent, BOOLEAN Right, _Out_ PVOID Node);
void NTAPI RtlRbRemoveNode(_Inout_ PVOID Tree, PVOID Node);
void NTAPI RtlRunDecodeUnicodeString(UCHAR Seed, _Inout_ PUNICODE_STRING String);
void NTAPI RtlRunEncodeUnicodeString(_Inout_ PUCHAR Seed, _Inout_ PUNICODE_STRING String);
NTSTATUS NTAPI RtlSetProcessPreferredUILanguages(DWORD Flags, _In_ PCWSTR Languages, _Out_ PULONG Count);
NTSTATUS NTAPI RtlSetThreadPreferredUILanguages(DWORD Flags, _In_ PCWSTR Languages, _Out_ PULONG Count);
void NTAPI RtlSetUnicodeCallouts(PVOID Callouts);
void NTAPI RtlTimeToElapsedTimeFields(_In_ PLARGE_INTEGER Time, _Out_ PVOID TimeFields);
NTSTATUS NTAPI RtlCutoverTimeToSystemTime(_In_ PVOID CutoverTime, _Out_ PLARGE_INTEGER SystemTime, _In_ PLARGE_INTEGER CurrentSystemTime, BOOLEAN ThisYear);
NTSTATUS NTAPI RtlFormatMessageEx(_In_ PCWSTR Message, ULONG MaxWidth, BOOLEAN IgnoreInserts, BOOLEAN Ansi, BOOLEAN ArgumentsAreAnArray, _In_ va_list *Arguments, _Out_writes_bytes_(Size) PWSTR Buffer, ULONG Size, _Out_ PULONG ReturnLength, PVOID Options);
NTSTATUS NTAPI RtlAddAccessAllowedObjectAce(PACL Acl, ULONG Revision, ULONG AceFlags, ACCESS_MASK Access, _In_ GUID *ObjectType, _In_ GUID *InheritedObjectType, PSID Sid);
NTSTATUS NTAPI RtlAddAccessDeniedObjectAce(PACL Acl, ULONG Revision, ULONG AceFlags, ACCESS_MASK Access, _In_ GUID *ObjectType, _In_ GUID *InheritedObjectType, PSID Sid);
NTSTATUS NTAPI RtlAddAuditAccessObjectAce(PACL Acl, ULONG Revision, ULONG AceFlags, ACCESS_MASK Access, _In_ GUID *ObjectType, _In_ GUID *InheritedObjectType, PSID Sid, BOOLEAN Success, BOOLEAN Failure);
NTSTATUS NTAPI RtlAddProcessTrustLabelAce(PACL Acl, ULONG Revision, ULONG AceFlags, PSID Sid, ULONG AceType, ACCESS_MASK Access);
NTSTATUS NTAPI RtlDefaultNpAcl(_Out_ PACL *Acl);
NTSTATUS NTAPI RtlCreateUserSecurityObject(_In_ PVOID AceData, ULONG AceCount, PSID Owner, PSID Group, BOOLEAN IsDirectory, _In_ PVOID GenericMapping, _Out_ PSECURITY_DESCRIPTOR *New);
NTSTATUS NTAPI RtlSetSecurityObject(SECURITY_INFORMATION Information, PSECURITY_DESCRIPTOR Modification, _Inout_ PSECURITY_DESCRIPTOR *Object, _In_ PVOID GenericMapping, HANDLE Token);
NTSTATUS NTAPI RtlNewSecurityObjectEx(PSECURITY_DESCRIPTOR Parent, PSECURITY_DESCRIPTOR Creator, _Out_ PSECURITY_DESCRIPTOR *New, _In_ GUID *ObjectType, BOOLEAN IsDirectory, ULONG Flags, HANDLE Token, _In_ PVOID GenericMapping);
NTSTATUS NTAPI RtlpNtCreateKey(_Out_ PHANDLE KeyHandle, ACCESS_MASK DesiredAccess, _In_ POBJECT_ATTRIBUTES ObjectAttributes, ULONG TitleIndex, _In_ PUNICODE_STRING Class, _Out_ PULONG Disposition);
NTSTATUS NTAPI RtlpNtOpenKey(_Out_ PHANDLE KeyHandle, ACCESS_MASK DesiredAccess, _In_ POBJECT_ATTRIBUTES ObjectAttributes, ULONG Unused);
NTSTATUS NTAPI RtlpNtEnumerateSubKey(HANDLE KeyHandle, _Out_ PUNICODE_STRING SubKeyName, ULONG Index, ULONG Unused);
NTSTATUS NTAPI RtlpNtMakeTemporaryKey(HANDLE KeyHandle);
NTSTATUS NTAPI RtlpNtQueryValueKey(HANDLE KeyHandle, _Out_ PULONG Type, _Out_ PVOID Data, _Inout_ PULONG DataLength, ULONG Unused);
NTSTATUS NTAPI RtlpNtSetValueKey(HANDLE KeyHandle, ULONG Type, _In_reads_bytes_(DataLength) PVOID Data, ULONG DataLength);
NTSTATUS NTAPI TpQueryPoolStackInformation(PVOID Pool, _Out_ PVOID StackInformation);
NTSTATUS NTAPI TpSetPoolStackInformation(PVOID Pool, _In_ PVOID StackInformation);
void NTAPI WinSqmSetDWORD(HANDLE Session, DWORD DatapointId, DWORD Value);
void NTAPI WinSqmSetIfMaxDWORD(HANDLE Session, DWORD DatapointId, DWORD Value);
LRESULT NTAPI NtdllDefWindowProc_A(HWND hWnd, UINT Msg, WPARAM wParam, LPARAM lParam);
LRESULT NTAPI NtdllDefWindowProc_W(HWND hWnd, UINT Msg, WPARAM wParam, LPARAM lParam);
LRESULT NTAPI NtdllDialogWndProc_A(HWND hWnd, UINT Msg, WPARAM wParam, LPARAM lParam);
LRESULT NTAPI NtdllDialogWndProc_W(HWND hWnd, UINT Msg, WPARAM wParam, LPARAM lParam);
void NTAPI KiUserCallbackDispatcher(ULONG Id, _In_ PVOID Arguments, ULONG Length);
void NTAPI KiRaiseUserExceptionDispatcher(void);
unsigned char __cdecl __wine_dbg_get_channel_flags(_In_ PVOID channel);
int __cdecl __wine_dbg_header(int cls, _In_ PVOID channel, _In_ const char *function);
int __cdecl __wine_dbg_output(_In_ const char *str);
const char *__cdecl __wine_dbg_strdup(_In_ const char *str);
const char *__cdecl wine_get_version(void);
const char *__cdecl wine_get_build_id(void);
void __cdecl wine_get_host_version(_Out_ const char **sysname, _Out_ const char **release);

/* ---- What compilers call, i386: numbers of 64 bits, and the FPU's stack for arguments and results */
LONGLONG NTAPI _alldiv(LONGLONG a, LONGLONG b);
LONGLONG NTAPI _allmul(LONGLONG a, LONGLONG b);
LONGLONG NTAPI _allrem(LONGLONG a, LONGLONG b);
LONGLONG NTAPI _alldvrm(LONGLONG a, LONGLONG b);
ULONGLONG NTAPI _aulldiv(ULONGLONG a, ULONGLONG b);
ULONGLONG NTAPI _aullrem(ULONGLONG a, ULONGLONG b);
ULONGLONG NTAPI _aulldvrm(ULONGLONG a, ULONGLONG b);
void __cdecl _allshl(void);
void __cdecl _allshr(void);
void __cdecl _aullshr(void);
void __cdecl _chkstk(void);
void __cdecl __chkstk(void);
void __cdecl _alloca_probe(void);
void __cdecl _alloca_probe_8(void);
void __cdecl _alloca_probe_16(void);
void __cdecl _chkesp(void);
LONGLONG __cdecl _ftol2(void);
LONGLONG __cdecl _ftol2_sse(void);
double __cdecl _CIacos(void);
double __cdecl _CIasin(void);
double __cdecl _CIatan(void);
double __cdecl _CIatan2(void);
double __cdecl _CIcos(void);
double __cdecl _CIcosh(void);
double __cdecl _CIexp(void);
double __cdecl _CIfmod(void);
double __cdecl _CIlog(void);
double __cdecl _CIlog10(void);
double __cdecl _CIpow(void);
double __cdecl _CIsin(void);
double __cdecl _CIsinh(void);
double __cdecl _CIsqrt(void);
double __cdecl _CItan(void);
double __cdecl _CItanh(void);
void __cdecl _EH_prolog(void);
void __cdecl _global_unwind2(PVOID frame);
void __cdecl _local_unwind2(PVOID frame, int trylevel);
void __cdecl _local_unwind4(_In_ PULONG cookie, PVOID frame, int trylevel);
void NTAPI _seh_longjmp_unwind(_Inout_ PVOID buffer);
void NTAPI _seh_longjmp_unwind4(_Inout_ PVOID buffer);

/* ---- ntdll, advapi32: digests and ciphers */
void WINAPI MD4Init(_Out_ PVOID Context);
void WINAPI MD4Update(_Inout_ PVOID Context, _In_reads_bytes_(Length) const UCHAR *Data, UINT Length);
void WINAPI MD4Final(_Inout_ PVOID Context);
void WINAPI MD5Init(_Out_ PVOID Context);
void WINAPI MD5Update(_Inout_ PVOID Context, _In_reads_bytes_(Length) const UCHAR *Data, UINT Length);
void WINAPI MD5Final(_Inout_ PVOID Context);
void WINAPI A_SHAInit(_Out_ PVOID Context);
void WINAPI A_SHAUpdate(_Inout_ PVOID Context, _In_reads_bytes_(Length) const UCHAR *Data, UINT Length);
void WINAPI A_SHAFinal(_Inout_ PVOID Context, _Out_ PULONG Result);
NTSTATUS WINAPI SystemFunction001(_In_ const BYTE *Data, _In_ const BYTE *Key, _Out_ LPBYTE Output);
NTSTATUS WINAPI SystemFunction002(_In_ const BYTE *Data, _In_ const BYTE *Key, _Out_ LPBYTE Output);
NTSTATUS WINAPI SystemFunction003(_In_ const BYTE *Key, _Out_ LPBYTE Output);
NTSTATUS WINAPI SystemFunction004(_In_ const void *Data, _In_ const void *Key, _Out_ PVOID Output);
NTSTATUS WINAPI SystemFunction005(_In_ const void *Data, _In_ const void *Key, _Out_ PVOID Output);
void WINAPI SystemFunction006(_In_ PCSTR Password, _Out_ LPBYTE Hash);
NTSTATUS WINAPI SystemFunction007(_In_ PCUNICODE_STRING Password, _Out_ LPBYTE Hash);
NTSTATUS WINAPI SystemFunction008(_In_ const BYTE *Challenge, _In_ const BYTE *Hash, _Out_ LPBYTE Response);
NTSTATUS WINAPI SystemFunction009(_In_ const BYTE *Challenge, _In_ const BYTE *Hash, _Out_ LPBYTE Response);
NTSTATUS WINAPI SystemFunction010(PVOID Unknown, _In_ const BYTE *Data, _Out_ LPBYTE Hash);
NTSTATUS WINAPI SystemFunction032(_Inout_ PVOID Data, _In_ const void *Key);
NTSTATUS WINAPI SystemFunction033(_Inout_ PVOID Data, _In_ const void *Key);
BOOL WINAPI SystemFunction030(_In_ const void *A, _In_ const void *B);
BOOL WINAPI SystemFunction035(_In_ PCSTR Path);
BOOLEAN WINAPI SystemFunction036(_Out_writes_bytes_(RandomBufferLength) PVOID RandomBuffer, ULONG RandomBufferLength);
NTSTATUS WINAPI SystemFunction040(_Inout_updates_bytes_(Length) PVOID Memory, ULONG Length, ULONG Flags);
NTSTATUS WINAPI SystemFunction041(_Inout_updates_bytes_(Length) PVOID Memory, ULONG Length, ULONG Flags);
BOOL WINAPI ProcessPrng(_Out_writes_bytes_(Length) PBYTE Data, SIZE_T Length);

/* ---- advapi32: the local security authority's database */
NTSTATUS WINAPI LsaCreateAccount(LSA_HANDLE PolicyHandle, PSID AccountSid, ACCESS_MASK DesiredAccess, _Out_ LSA_HANDLE *AccountHandle);
NTSTATUS WINAPI LsaOpenAccount(LSA_HANDLE PolicyHandle, PSID AccountSid, ACCESS_MASK DesiredAccess, _Out_ LSA_HANDLE *AccountHandle);
NTSTATUS WINAPI LsaEnumerateAccounts(LSA_HANDLE PolicyHandle, _Inout_ PULONG EnumerationContext, _Out_ PVOID *Buffer, ULONG PreferredMaximumLength, _Out_ PULONG CountReturned);
NTSTATUS WINAPI LsaAddPrivilegesToAccount(LSA_HANDLE AccountHandle, _In_ PPRIVILEGE_SET Privileges);
NTSTATUS WINAPI LsaRemovePrivilegesFromAccount(LSA_HANDLE AccountHandle, BOOLEAN AllPrivileges, _In_ PPRIVILEGE_SET Privileges);
NTSTATUS WINAPI LsaEnumeratePrivileges(LSA_HANDLE PolicyHandle, _Inout_ PULONG EnumerationContext, _Out_ PVOID *Buffer, ULONG PreferredMaximumLength, _Out_ PULONG CountReturned);
NTSTATUS WINAPI LsaEnumeratePrivilegesOfAccount(LSA_HANDLE AccountHandle, _Out_ PPRIVILEGE_SET *Privileges);
NTSTATUS WINAPI LsaCreateSecret(LSA_HANDLE PolicyHandle, _In_ PUNICODE_STRING SecretName, ACCESS_MASK DesiredAccess, _Out_ LSA_HANDLE *SecretHandle);
NTSTATUS WINAPI LsaOpenSecret(LSA_HANDLE PolicyHandle, _In_ PUNICODE_STRING SecretName, ACCESS_MASK DesiredAccess, _Out_ LSA_HANDLE *SecretHandle);
NTSTATUS WINAPI LsaSetSecret(LSA_HANDLE SecretHandle, _In_ PUNICODE_STRING CurrentValue, _In_ PUNICODE_STRING OldValue);
NTSTATUS WINAPI LsaQuerySecret(LSA_HANDLE SecretHandle, _Out_ PUNICODE_STRING *CurrentValue, _Out_ PLARGE_INTEGER CurrentValueSetTime, _Out_ PUNICODE_STRING *OldValue, _Out_ PLARGE_INTEGER OldValueSetTime);
NTSTATUS WINAPI LsaDelete(LSA_HANDLE ObjectHandle);
NTSTATUS WINAPI LsaGetUserName(_Out_ PUNICODE_STRING *UserName, _Out_ PUNICODE_STRING *DomainName);
NTSTATUS WINAPI LsaLookupPrivilegeName(LSA_HANDLE PolicyHandle, _In_ PLUID Value, _Out_ PUNICODE_STRING *Name);
NTSTATUS WINAPI LsaLookupPrivilegeDisplayName(LSA_HANDLE PolicyHandle, _In_ PUNICODE_STRING Name, _Out_ PUNICODE_STRING *DisplayName, _Out_ PSHORT LanguageReturned);
NTSTATUS WINAPI LsaGetSystemAccessAccount(LSA_HANDLE AccountHandle, _Out_ PULONG SystemAccess);
NTSTATUS WINAPI LsaSetSystemAccessAccount(LSA_HANDLE AccountHandle, ULONG SystemAccess);
BOOL WINAPI SystemFunction031(_In_ const void *A, _In_ const void *B);
NTSTATUS WINAPI SystemFunction012(_In_ const BYTE *Hash, _In_ const BYTE *Key, _Out_ LPBYTE Output);
NTSTATUS WINAPI SystemFunction013(_In_ const BYTE *Hash, _In_ const BYTE *Key, _Out_ LPBYTE Output);
NTSTATUS WINAPI SystemFunction024(_In_ const BYTE *Data, _In_ const BYTE *Key, _Out_ LPBYTE Output);
NTSTATUS WINAPI SystemFunction025(_In_ const BYTE *Data, _In_ const BYTE *Key, _Out_ LPBYTE Output);

/* ---- kernel32, kernelbase */
HRESULT WINAPI GetThreadDescription(HANDLE hThread, _Out_ PWSTR *ppszThreadDescription);
HRESULT WINAPI SetThreadDescription(HANDLE hThread, _In_ PCWSTR lpThreadDescription);
HANDLE WINAPI RegisterWaitForSingleObjectEx(HANDLE hObject, PVOID Callback, PVOID Context, ULONG dwMilliseconds, ULONG dwFlags);
LPSTR WINAPI GetEnvironmentStringsA(void);
DWORD WINAPI GetTempPath2A(DWORD nBufferLength, _Out_writes_(nBufferLength) LPSTR lpBuffer);
DWORD WINAPI GetTempPath2W(DWORD nBufferLength, _Out_writes_(nBufferLength) LPWSTR lpBuffer);
BOOL WINAPI GetSystemCpuSetInformation(_Out_writes_bytes_(BufferLength) PVOID Information, ULONG BufferLength, _Out_ PULONG ReturnedLength, HANDLE Process, ULONG Flags);
BOOL WINAPI SetProcessDefaultCpuSets(HANDLE Process, _In_reads_(CpuSetIdCount) const ULONG *CpuSetIds, ULONG CpuSetIdCount);
BOOL WINAPI SetThreadSelectedCpuSets(HANDLE Thread, _In_reads_(CpuSetIdCount) const ULONG *CpuSetIds, ULONG CpuSetIdCount);
LONG WINAPI GetPackageFullName(HANDLE hProcess, _Inout_ UINT32 *packageFullNameLength, _Out_writes_(packageFullNameLength) PWSTR packageFullName);
LONG WINAPI GetPackageFamilyName(HANDLE hProcess, _Inout_ UINT32 *packageFamilyNameLength, _Out_writes_(packageFamilyNameLength) PWSTR packageFamilyName);
LONG WINAPI GetCurrentPackageFullName(_Inout_ UINT32 *packageFullNameLength, _Out_writes_(packageFullNameLength) PWSTR packageFullName);
LONG WINAPI GetCurrentPackageFamilyName(_Inout_ UINT32 *packageFamilyNameLength, _Out_writes_(packageFamilyNameLength) PWSTR packageFamilyName);
LONG WINAPI GetCurrentPackageId(_Inout_ UINT32 *bufferLength, _Out_writes_bytes_(bufferLength) BYTE *buffer);
PVOID WINAPI ResolveDelayLoadedAPI(PVOID ParentModuleBase, _In_ const void *DelayloadDescriptor, PVOID FailureDllHook, PVOID FailureSystemHook, _Out_ PVOID *ThunkAddress, ULONG Flags);
PVOID WINAPI DelayLoadFailureHook(_In_ LPCSTR pszDllName, _In_ LPCSTR pszProcName);
BOOL WINAPI CreateProcessInternalW(HANDLE hToken, _In_ LPCWSTR lpApplicationName, _Inout_ LPWSTR lpCommandLine, _In_ LPSECURITY_ATTRIBUTES lpProcessAttributes, _In_ LPSECURITY_ATTRIBUTES lpThreadAttributes, BOOL bInheritHandles, DWORD dwCreationFlags, _In_ LPVOID lpEnvironment, _In_ LPCWSTR lpCurrentDirectory, _In_ LPSTARTUPINFOW lpStartupInfo, _Out_ LPPROCESS_INFORMATION lpProcessInformation, _Out_ PHANDLE hNewToken);
BOOL WINAPI CreateProcessInternalA(HANDLE hToken, _In_ LPCSTR lpApplicationName, _Inout_ LPSTR lpCommandLine, _In_ LPSECURITY_ATTRIBUTES lpProcessAttributes, _In_ LPSECURITY_ATTRIBUTES lpThreadAttributes, BOOL bInheritHandles, DWORD dwCreationFlags, _In_ LPVOID lpEnvironment, _In_ LPCSTR lpCurrentDirectory, _In_ LPSTARTUPINFOA lpStartupInfo, _Out_ LPPROCESS_INFORMATION lpProcessInformation, _Out_ PHANDLE hNewToken);
void __fastcall BaseThreadInitThunk(DWORD Unknown, PVOID Entry, PVOID Argument);
void WINAPI RestoreLastError(DWORD dwError);
BOOL WINAPI VerifyConsoleIoHandle(HANDLE hConsole);
BOOL WINAPI ValidateLocale(ULONG Locale);
LONG WINAPI GetCurrentPackagePath(_Inout_ UINT32 *pathLength, _Out_writes_(pathLength) PWSTR path);
LONG WINAPI GetCurrentPackageInfo(UINT32 flags, _Inout_ UINT32 *bufferLength, _Out_writes_bytes_(bufferLength) BYTE *buffer, _Out_ UINT32 *count);
LONG WINAPI GetPackagePathByFullName(_In_ PCWSTR packageFullName, _Inout_ UINT32 *pathLength, _Out_writes_(pathLength) PWSTR path);
LONG WINAPI GetPackagesByPackageFamily(_In_ PCWSTR packageFamilyName, _Inout_ UINT32 *count, _Out_ PWSTR *packageFullNames, _Inout_ UINT32 *bufferLength, _Out_writes_(bufferLength) WCHAR *buffer);
LONG WINAPI PackageIdFromFullName(_In_ PCWSTR packageFullName, UINT32 flags, _Inout_ UINT32 *bufferLength, _Out_writes_bytes_(bufferLength) BYTE *buffer);
LONG WINAPI AppPolicyGetMediaFoundationCodecLoading(HANDLE processToken, _Out_ int *policy);
LONG WINAPI AppPolicyGetProcessTerminationMethod(HANDLE processToken, _Out_ int *policy);
LONG WINAPI AppPolicyGetShowDeveloperDiagnostic(HANDLE processToken, _Out_ int *policy);
LONG WINAPI AppPolicyGetThreadInitializationType(HANDLE processToken, _Out_ int *policy);
LONG WINAPI AppPolicyGetWindowingModel(HANDLE processToken, _Out_ int *policy);
DWORD WINAPI RegisterServiceProcess(DWORD dwProcessId, DWORD dwType);
BOOL WINAPI CloseConsoleHandle(HANDLE hConsole);
HANDLE WINAPI DuplicateConsoleHandle(HANDLE hConsole, DWORD dwAccess, BOOL bInherit, DWORD dwOptions);
HANDLE WINAPI OpenConsoleW(_In_ LPCWSTR lpName, DWORD dwAccess, BOOL bInherit, DWORD dwCreation);
DWORD WINAPI GetConsoleFontInfo(HANDLE hConsole, BOOL bMaximumWindow, DWORD nFonts, _Out_ PVOID lpFonts);
DWORD WINAPI GetNumberOfConsoleFonts(void);
BOOL WINAPI SetConsoleFont(HANDLE hConsole, DWORD nIndex);
BOOL WINAPI SetConsoleIcon(HICON hIcon);
BOOL WINAPI SetConsoleKeyShortcuts(BOOL bSet, BYTE bReserveKeys, PVOID lpKeys, DWORD dwKeys);
BOOL WINAPI GetConsoleKeyboardLayoutNameA(_Out_ LPSTR lpLayoutName);
BOOL WINAPI GetConsoleKeyboardLayoutNameW(_Out_ LPWSTR lpLayoutName);
DWORD WINAPI GetConsoleInputExeNameA(DWORD nBufferLength, _Out_writes_(nBufferLength) LPSTR lpBuffer);
DWORD WINAPI GetConsoleInputExeNameW(DWORD nBufferLength, _Out_writes_(nBufferLength) LPWSTR lpBuffer);
BOOL WINAPI SetConsoleInputExeNameA(_In_ LPCSTR lpExeName);
BOOL WINAPI SetConsoleInputExeNameW(_In_ LPCWSTR lpExeName);
HANDLE WINAPI GetConsoleInputWaitHandle(void);
BOOL WINAPI ReadConsoleInputExA(HANDLE hConsoleInput, _Out_ PINPUT_RECORD lpBuffer, DWORD nLength, _Out_ LPDWORD lpNumberOfEventsRead, USHORT wFlags);
BOOL WINAPI ReadConsoleInputExW(HANDLE hConsoleInput, _Out_ PINPUT_RECORD lpBuffer, DWORD nLength, _Out_ LPDWORD lpNumberOfEventsRead, USHORT wFlags);
INT WINAPI ShowConsoleCursor(HANDLE hConsole, BOOL bShow);
DWORD WINAPI CtrlRoutine(PVOID lpArgument);
BOOL WINAPI InvalidateNLSCache(void);
BOOL WINAPI ValidateLCType(LCTYPE LCType, DWORD dwMask, _Out_ PVOID lpUnknown1, _Out_ PVOID lpUnknown2);
DWORD WINAPI GetProcessFlags(DWORD dwProcessId);
void WINAPI UninitializeCriticalSection(_Inout_ LPCRITICAL_SECTION lpCriticalSection);
void WINAPI ReinitializeCriticalSection(_Inout_ LPCRITICAL_SECTION lpCriticalSection);
void WINAPI MakeCriticalSectionGlobal(_Inout_ LPCRITICAL_SECTION lpCriticalSection);
HMODULE WINAPI PrivateLoadLibrary(_In_ LPCSTR lpLibFileName);
BOOL WINAPI PrivateFreeLibrary(HMODULE hLibModule);
void WINAPI LoadAppInitDlls(void);
BOOL WINAPI PrivCopyFileExW(_In_ LPCWSTR lpExistingFileName, _In_ LPCWSTR lpNewFileName, PVOID lpProgressRoutine, PVOID lpData, LPBOOL pbCancel, DWORD dwCopyFlags);
BOOL WINAPI PrivMoveFileIdentityW(_In_ LPCWSTR lpExistingFileName, _In_ LPCWSTR lpNewFileName, DWORD dwFlags);
DWORD WINAPI BaseGetNamedObjectDirectory(_Out_ PHANDLE phDirectory);
BOOL WINAPI BaseFlushAppcompatCache(void);
BOOL WINAPI TermsrvAppInstallMode(void);
DWORD WINAPI SetTermsrvAppInstallMode(BOOL bState);
BOOL WINAPI IsApiSetImplemented(_In_ LPCSTR Contract);
BOOL WINAPI QuirkIsEnabled(PVOID lpQuirk);
BOOL WINAPI QuirkIsEnabled3(PVOID lpUnknown, PVOID lpQuirk);
DWORD WINAPI SHExpandEnvironmentStringsA(_In_ LPCSTR lpSrc, _Out_writes_(nSize) LPSTR lpDst, DWORD nSize);
DWORD WINAPI SHExpandEnvironmentStringsW(_In_ LPCWSTR lpSrc, _Out_writes_(nSize) LPWSTR lpDst, DWORD nSize);
DWORD WINAPI SHTruncateString(_Inout_ LPSTR lpStr, DWORD nSize);
LPSTR WINAPI StrCpyNXA(_Out_writes_(nSize) LPSTR lpszDest, _In_ LPCSTR lpszSrc, int nSize);
LPWSTR WINAPI StrCpyNXW(_Out_writes_(nSize) LPWSTR lpszDest, _In_ LPCWSTR lpszSrc, int nSize);
BOOL WINAPI PathIsValidCharA(UCHAR c, DWORD dwClass);
BOOL WINAPI PathIsValidCharW(WCHAR c, DWORD dwClass);
BOOL WINAPI IsCharBlankW(WCHAR wc);
BOOL WINAPI IsCharCntrlW(WCHAR wc);
BOOL WINAPI IsCharDigitW(WCHAR wc);
BOOL WINAPI IsCharPunctW(WCHAR wc);
BOOL WINAPI IsCharXDigitW(WCHAR wc);
INT WINAPI LoadStringBaseExW(HINSTANCE hInstance, UINT uID, _Out_writes_(cchBufferMax) LPWSTR lpBuffer, INT cchBufferMax, WORD wLanguage);
UINT WINAPI NlsGetACPFromLocale(LCID Locale, DWORD dwFlags);
BOOL WINAPI NlsIsUserDefaultLocale(_In_ LPCWSTR lpLocaleName);
INT WINAPI GetUserInfo(void);
BOOL WINAPI CreateUmsCompletionList(_Out_ PVOID *UmsCompletionList);
BOOL WINAPI DeleteUmsCompletionList(PVOID UmsCompletionList);
BOOL WINAPI CreateUmsThreadContext(_Out_ PVOID *lpUmsThread);
BOOL WINAPI DeleteUmsThreadContext(PVOID UmsThread);
BOOL WINAPI DequeueUmsCompletionListItems(PVOID UmsCompletionList, DWORD WaitTimeOut, _Out_ PVOID *UmsThreadList);
BOOL WINAPI EnterUmsSchedulingMode(_In_ PVOID SchedulerStartupInfo);
BOOL WINAPI ExecuteUmsThread(PVOID UmsThread);
PVOID WINAPI GetCurrentUmsThread(void);
PVOID WINAPI GetNextUmsListItem(PVOID UmsContext);
BOOL WINAPI GetUmsCompletionListEvent(PVOID UmsCompletionList, _Out_ PHANDLE UmsCompletionEvent);
BOOL WINAPI QueryUmsThreadInformation(PVOID UmsThread, int UmsThreadInfoClass, _Out_writes_bytes_(UmsThreadInformationLength) PVOID UmsThreadInformation, ULONG UmsThreadInformationLength, _Out_ PULONG ReturnLength);
BOOL WINAPI SetUmsThreadInformation(PVOID UmsThread, int UmsThreadInfoClass, _In_reads_bytes_(UmsThreadInformationLength) PVOID UmsThreadInformation, ULONG UmsThreadInformationLength);
BOOL WINAPI UmsThreadYield(PVOID SchedulerParam);
char *__cdecl wine_get_unix_file_name(_In_ LPCWSTR dos);
WCHAR *__cdecl wine_get_dos_file_name(_In_ LPCSTR str);
LONGLONG WINAPI pgr_InterlockedCompareExchange64(_Inout_ LONGLONG *Destination, LONGLONG Exchange, LONGLONG Comparand) __asm__("?pgr-export InterlockedCompareExchange64");
#undef InterlockedIncrement
#undef InterlockedDecrement
#undef InterlockedExchange
#undef InterlockedExchangeAdd
#undef InterlockedCompareExchange
LONG WINAPI InterlockedIncrement(_Inout_ LONG volatile *Addend);
LONG WINAPI InterlockedDecrement(_Inout_ LONG volatile *Addend);
LONG WINAPI InterlockedExchange(_Inout_ LONG volatile *Target, LONG Value);
LONG WINAPI InterlockedExchangeAdd(_Inout_ LONG volatile *Addend, LONG Value);
LONG WINAPI InterlockedCompareExchange(_Inout_ LONG volatile *Destination, LONG Exchange, LONG Comparand);
#undef RtlMoveMemory
#undef RtlCopyMemory
#undef RtlZeroMemory
#undef RtlFillMemory
void WINAPI RtlMoveMemory(_Out_writes_bytes_(Length) PVOID Destination, _In_reads_bytes_(Length) const void *Source, SIZE_T Length);
void WINAPI RtlCopyMemory(_Out_writes_bytes_(Length) PVOID Destination, _In_reads_bytes_(Length) const void *Source, SIZE_T Length);
void WINAPI RtlZeroMemory(_Out_writes_bytes_(Length) PVOID Destination, SIZE_T Length);
void WINAPI RtlFillMemory(_Out_writes_bytes_(Length) PVOID Destination, SIZE_T Length, BYTE Fill);

/* ---- msvcrt */
typedef struct pgr_startupinfo {
    int newmode;
} pgr_startupinfo;
int __cdecl __getmainargs(_Out_ int *argc, _Out_ char ***argv, _Out_ char ***env, int expand, _In_ pgr_startupinfo *info);
int __cdecl __wgetmainargs(_Out_ int *argc, _Out_ wchar_t ***argv, _Out_ wchar_t ***env, int expand, _In_ pgr_startupinfo *info);
void __cdecl __set_app_type(int type);
void __cdecl _set_app_type(int type);
void __cdecl _amsg_exit(int error);
void __cdecl _lock(int number);
void __cdecl _unlock(int number);
void __cdecl _purecall(void);
void __cdecl _initterm(PVOID *first, PVOID *last);
int __cdecl _initterm_e(PVOID *first, PVOID *last);
PVOID __cdecl __dllonexit(PVOID function, _Inout_ PVOID **start, _Inout_ PVOID **end);
int __cdecl __lconv_init(void);
char ***__cdecl __p___initenv(void);
wchar_t ***__cdecl __p___winitenv(void);
int *__cdecl __p__commode(void);
int *__cdecl __p__fmode(void);
void __cdecl terminate(void);
void __cdecl pgr_terminate(void) __asm__("?terminate@@YAXXZ");
void __thiscall pgr_type_info_destroy32(PVOID self) __asm__("??1type_info@@UAE@XZ");
void __thiscall pgr_type_info_destroy64(PVOID self) __asm__("??1type_info@@UEAA@XZ");
void __cdecl pgr_delete32(PVOID memory) __asm__("??3@YAXPAX@Z");
void __cdecl pgr_delete64(PVOID memory) __asm__("??3@YAXPEAX@Z");
PVOID __cdecl pgr_new32(size_t size) __asm__("??2@YAPAXI@Z");
PVOID __cdecl pgr_new64(size_t size) __asm__("??2@YAPEAX_K@Z");
int __cdecl _except_handler2(_In_ PEXCEPTION_RECORD record, PVOID frame, _Inout_ PCONTEXT context, PVOID dispatcher);
int __cdecl _except_handler3(_In_ PEXCEPTION_RECORD record, PVOID frame, _Inout_ PCONTEXT context, PVOID dispatcher);
int __cdecl _except_handler4_common(PVOID cookie, PVOID check, _In_ PEXCEPTION_RECORD record, PVOID frame, _Inout_ PCONTEXT context, PVOID dispatcher);
int __cdecl __CxxFrameHandler(_In_ PEXCEPTION_RECORD record, PVOID frame, _Inout_ PCONTEXT context, PVOID dispatcher);
int __cdecl __CxxFrameHandler2(_In_ PEXCEPTION_RECORD record, PVOID frame, _Inout_ PCONTEXT context, PVOID dispatcher);
int __cdecl __CxxFrameHandler3(_In_ PEXCEPTION_RECORD record, PVOID frame, _Inout_ PCONTEXT context, PVOID dispatcher);
int __cdecl __CxxFrameHandler4(_In_ PEXCEPTION_RECORD record, PVOID frame, _Inout_ PCONTEXT context, PVOID dispatcher);
void WINAPI _CxxThrowException(PVOID object, _In_ const void *type);
BOOL __cdecl __CxxRegisterExceptionObject(_In_ PEXCEPTION_POINTERS pointers, PVOID frame);
void __cdecl __CxxUnregisterExceptionObject(PVOID frame, int in_use);
void __cdecl __DestructExceptionObject(_In_ PEXCEPTION_RECORD record);
void **__cdecl __current_exception(void);
void **__cdecl __current_exception_context(void);
int __cdecl __uncaught_exception(void);
int __cdecl __uncaught_exceptions(void);
int *__cdecl __processing_throw(void);
void __cdecl __std_terminate(void);
void __cdecl __std_exception_copy(_In_ const void *from, _Out_ PVOID to);
void __cdecl __std_exception_destroy(_Inout_ PVOID data);
void __cdecl __std_type_info_destroy_list(_Inout_ PVOID list);
int __cdecl __std_type_info_compare(_In_ const void *left, _In_ const void *right);
const char *__cdecl __std_type_info_name(_Inout_ PVOID data, _Inout_ PVOID list);
PVOID __cdecl __RTDynamicCast(PVOID object, LONG offset, _In_ const void *from, _In_ const void *to, int is_reference);
PVOID __cdecl __RTtypeid(PVOID object);
char *__cdecl __unDName(_Out_ char *buffer, _In_ const char *mangled, int length, PVOID allocate, PVOID release, unsigned short flags);
void __cdecl _local_unwind(PVOID frame, PVOID target);
int __cdecl _seh_filter_exe(NTSTATUS code, _In_ PEXCEPTION_POINTERS pointers);
int __cdecl _seh_filter_dll(NTSTATUS code, _In_ PEXCEPTION_POINTERS pointers);
LONGLONG __cdecl _ftol(void);
int __cdecl _findfirst(_In_ const char *filespec, _Out_ PVOID fileinfo);
int __cdecl _findnext(intptr_t handle, _Out_ PVOID fileinfo);
#undef time
#undef localtime
#undef gmtime
#undef _fstat
#undef _stati64
long __cdecl pgr_time(_Out_ long *_Time) __asm__("?pgr-export time");
struct tm *__cdecl pgr_localtime(_In_ const long *_Time) __asm__("?pgr-export localtime");
struct tm *__cdecl pgr_gmtime(_In_ const long *_Time) __asm__("?pgr-export gmtime");
int __cdecl pgr_fstat(int _FileHandle, _Out_ PVOID _Stat) __asm__("?pgr-export _fstat");
int __cdecl pgr_stat(_In_ const char *_FileName, _Out_ PVOID _Stat) __asm__("?pgr-export _stat");
int __cdecl pgr_stati64(_In_ const char *_FileName, _Out_ PVOID _Stat) __asm__("?pgr-export _stati64");
int __cdecl pgr_swprintf(_Out_ wchar_t *_Dest, _In_ const wchar_t *_Format, ...) __asm__("?pgr-export swprintf");
#undef mktime
#undef ctime
#undef difftime
#undef _mkgmtime
#undef _findfirsti64
#undef _findnexti64
#undef _wfindfirst
#undef _wfindnext
#undef _wfindfirsti64
#undef _wfindnexti64
#undef _fstati64
#undef _wstati64
long __cdecl pgr_mktime(_Inout_ struct tm *_Tm) __asm__("?pgr-export mktime");
long __cdecl pgr_mkgmtime(_Inout_ struct tm *_Tm) __asm__("?pgr-export _mkgmtime");
char *__cdecl pgr_ctime(_In_ const long *_Time) __asm__("?pgr-export ctime");
double __cdecl pgr_difftime(long _Time1, long _Time2) __asm__("?pgr-export difftime");
intptr_t __cdecl pgr_findfirsti64(_In_ const char *_Filename, _Out_ PVOID _FindData) __asm__("?pgr-export _findfirsti64");
int __cdecl pgr_findnexti64(intptr_t _FindHandle, _Out_ PVOID _FindData) __asm__("?pgr-export _findnexti64");
intptr_t __cdecl pgr_wfindfirst(_In_ const wchar_t *_Filename, _Out_ PVOID _FindData) __asm__("?pgr-export _wfindfirst");
int __cdecl pgr_wfindnext(intptr_t _FindHandle, _Out_ PVOID _FindData) __asm__("?pgr-export _wfindnext");
intptr_t __cdecl pgr_wfindfirsti64(_In_ const wchar_t *_Filename, _Out_ PVOID _FindData) __asm__("?pgr-export _wfindfirsti64");
int __cdecl pgr_wfindnexti64(intptr_t _FindHandle, _Out_ PVOID _FindData) __asm__("?pgr-export _wfindnexti64");
int __cdecl pgr_fstati64(int _FileHandle, _Out_ PVOID _Stat) __asm__("?pgr-export _fstati64");
int __cdecl pgr_wstati64(_In_ const wchar_t *_FileName, _Out_ PVOID _Stat) __asm__("?pgr-export _wstati64");
PVOID __cdecl pgr_iob_func(void) __asm__("?pgr-export __iob_func");
int __cdecl tmpfile_s(_Out_ FILE **pFilePtr);
int __cdecl __crtCompareStringA(LCID locale, DWORD flags, _In_ const char *src1, int len1, _In_ const char *src2, int len2);
int __cdecl __crtCompareStringW(LCID locale, DWORD flags, _In_ const wchar_t *src1, int len1, _In_ const wchar_t *src2, int len2);
int __cdecl __crtGetLocaleInfoW(LCID locale, LCTYPE type, _Out_writes_(size) wchar_t *buffer, int size);
BOOL __cdecl __crtGetStringTypeW(DWORD unknown, DWORD type, _In_ const wchar_t *buffer, int length, _Out_ WORD *out);
int __cdecl __crtLCMapStringA(LCID locale, DWORD flags, _In_ const char *src, int srclen, _Out_writes_(dstlen) char *dst, int dstlen, UINT codepage, int unknown);
int __cdecl __crtLCMapStringW(LCID locale, DWORD flags, _In_ const wchar_t *src, int srclen, _Out_writes_(dstlen) wchar_t *dst, int dstlen, UINT codepage, int unknown);
int __cdecl __get_app_type(void);
BOOL __cdecl __CxxDetectRethrow(_In_ PEXCEPTION_POINTERS pointers);
int __cdecl __CxxExceptionFilter(_In_ PEXCEPTION_POINTERS pointers, PVOID type, int flags, PVOID copy);
int __cdecl __CxxQueryExceptionSize(void);
PVOID __cdecl __RTCastToVoid(PVOID object);
char *__cdecl __unDNameEx(_Out_ char *buffer, _In_ const char *mangled, int length, PVOID allocate, PVOID release, PVOID unknown, unsigned short flags);
unsigned char *__cdecl __p__mbctype(void);
unsigned char **__cdecl __p__mbcasemap(void);
int *__cdecl __p___mb_cur_max(void);
int *__cdecl __p__amblksiz(void);
int *__cdecl __p__daylight(void);
long *__cdecl __p__dstbias(void);
long *__cdecl __p__timezone(void);
char **__cdecl __p__tzname(void);
int *__cdecl __p__fileinfo(void);
FILE *__cdecl __p__iob(void);
unsigned short **__cdecl __p__pctype(void);
unsigned short **__cdecl __p__pwctype(void);
#undef __pwctype_func
const unsigned short *__cdecl __pwctype_func(void);
unsigned int *__cdecl __p__osver(void);
unsigned int *__cdecl __p__winmajor(void);
unsigned int *__cdecl __p__winminor(void);
unsigned int *__cdecl __p__winver(void);
void __cdecl _aexit_rtn(int code);
void __cdecl _get_environ(_Out_ char ***env);
void __cdecl _get_wenviron(_Out_ wchar_t ***env);
PVOID __cdecl _get_terminate(void);
PVOID __cdecl _get_unexpected(void);
int __cdecl _inp(unsigned short port);
unsigned short __cdecl _inpw(unsigned short port);
unsigned long __cdecl _inpd(unsigned short port);
int __cdecl _outp(unsigned short port, int value);
unsigned short __cdecl _outpw(unsigned short port, unsigned short value);
unsigned long __cdecl _outpd(unsigned short port, unsigned long value);
int __cdecl _mbscat_s_l(_Inout_ unsigned char *dst, size_t size, _In_ const unsigned char *src, PVOID locale);
float __cdecl _scalbf(float x, long exponent);
int __cdecl _set_SSE2_enable(int flag);
void __cdecl _set_controlfp(unsigned int newval, unsigned int mask);
void __cdecl _invalid_parameter(_In_ const wchar_t *expression, _In_ const wchar_t *function, _In_ const wchar_t *file, unsigned int line, uintptr_t reserved);
void __cdecl _invalid_parameter_noinfo(void);
void __cdecl _invalid_parameter_noinfo_noreturn(void);
char *__cdecl _Getdays(void);
char *__cdecl _Getmonths(void);
wchar_t *__cdecl _W_Getdays(void);
wchar_t *__cdecl _W_Getmonths(void);
LCID *__cdecl ___lc_handle_func(void);
wchar_t **__cdecl ___lc_locale_name_func(void);
UINT __cdecl ___lc_codepage_func(void);
UINT __cdecl ___lc_collate_cp_func(void);
int __cdecl ___mb_cur_max_func(void);
float __cdecl _hypotf(float x, float y);

/* ---- ucrtbase */
int __cdecl _configure_narrow_argv(int mode);
int __cdecl _configure_wide_argv(int mode);
int __cdecl _initialize_narrow_environment(void);
int __cdecl _initialize_wide_environment(void);
char **__cdecl _get_initial_narrow_environment(void);
wchar_t **__cdecl _get_initial_wide_environment(void);
char *__cdecl _get_narrow_winmain_command_line(void);
wchar_t *__cdecl _get_wide_winmain_command_line(void);
int __cdecl _set_new_mode(int mode);
int __cdecl _query_new_mode(void);
int __cdecl _callnewh(size_t size);
int __cdecl _crt_atexit(PVOID function);
int __cdecl _crt_at_quick_exit(PVOID function);
int __cdecl _register_onexit_function(_Inout_ PVOID table, PVOID function);
int __cdecl _initialize_onexit_table(_Inout_ PVOID table);
int __cdecl _execute_onexit_table(_Inout_ PVOID table);
void __cdecl _register_thread_local_exe_atexit_callback(PVOID callback);
int __cdecl _configthreadlocale(int mode);
short __cdecl _dclass(double x);
short __cdecl _fdclass(float x);
int __cdecl _dsign(double x);
int __cdecl _fdsign(float x);
short __cdecl _dtest(_In_ double *x);
short __cdecl _fdtest(_In_ float *x);
unsigned int __cdecl _Thrd_hardware_concurrency(void);

PVOID __cdecl _malloc_base(size_t size);
PVOID __cdecl _calloc_base(size_t count, size_t size);
PVOID __cdecl _realloc_base(PVOID ptr, size_t size);
void __cdecl _free_base(PVOID ptr);
size_t __cdecl _aligned_msize(PVOID ptr, size_t alignment, size_t offset);
void __cdecl _lock_locales(void);
void __cdecl _unlock_locales(void);
int __cdecl _crt_debugger_hook(int code);
void __cdecl _invoke_watson(_In_ const wchar_t *expression, _In_ const wchar_t *function, _In_ const wchar_t *file, unsigned int line, uintptr_t reserved);
void __cdecl __report_gsfailure(uintptr_t cookie);
int __cdecl _is_exception_typeof(_In_ const void *type, _In_ PEXCEPTION_POINTERS pointers);
PVOID __cdecl _set_se_translator(PVOID translator);
PVOID __cdecl set_terminate(PVOID handler);
PVOID __cdecl set_unexpected(PVOID handler);
void __cdecl unexpected(void);
PVOID __cdecl _set_new_handler(PVOID handler);
PVOID __cdecl _query_new_handler(void);
int __cdecl _query_app_type(void);
PVOID __cdecl _set_thread_local_invalid_parameter_handler(PVOID handler);
PVOID __cdecl _get_thread_local_invalid_parameter_handler(void);
PVOID __cdecl _wcreate_locale(int category, _In_ const wchar_t *locale);
int __cdecl _sopen_dispatch(_In_ const char *path, int oflags, int shflags, int pmode, _Out_ int *fd, int secure);
int __cdecl _wsopen_dispatch(_In_ const wchar_t *path, int oflags, int shflags, int pmode, _Out_ int *fd, int secure);
int __cdecl _get_stream_buffer_pointers(FILE *file, _Out_ char ***base, _Out_ char ***ptr, _Out_ int **count);
wint_t __cdecl _getwc_nolock(FILE *file);
wint_t __cdecl _putwc_nolock(wchar_t c, FILE *file);
float __cdecl _strtof_l(_In_ const char *str, _Out_ char **end, PVOID locale);
double __cdecl _strtold_l(_In_ const char *str, _Out_ char **end, PVOID locale);
long long __cdecl _strtoll_l(_In_ const char *str, _Out_ char **end, int base, PVOID locale);
unsigned long long __cdecl _strtoull_l(_In_ const char *str, _Out_ char **end, int base, PVOID locale);
intmax_t __cdecl _strtoimax_l(_In_ const char *str, _Out_ char **end, int base, PVOID locale);
uintmax_t __cdecl _strtoumax_l(_In_ const char *str, _Out_ char **end, int base, PVOID locale);
float __cdecl _wcstof_l(_In_ const wchar_t *str, _Out_ wchar_t **end, PVOID locale);
double __cdecl _wcstold_l(_In_ const wchar_t *str, _Out_ wchar_t **end, PVOID locale);
long long __cdecl _wcstoll_l(_In_ const wchar_t *str, _Out_ wchar_t **end, int base, PVOID locale);
unsigned long long __cdecl _wcstoull_l(_In_ const wchar_t *str, _Out_ wchar_t **end, int base, PVOID locale);
intmax_t __cdecl _wcstoimax_l(_In_ const wchar_t *str, _Out_ wchar_t **end, int base, PVOID locale);
uintmax_t __cdecl _wcstoumax_l(_In_ const wchar_t *str, _Out_ wchar_t **end, int base, PVOID locale);
long long __cdecl _atoll_l(_In_ const char *str, PVOID locale);
long long __cdecl _wtoll_l(_In_ const wchar_t *str, PVOID locale);
int __cdecl _isblank_l(int c, PVOID locale);
int __cdecl _iswblank_l(wint_t c, PVOID locale);
int __cdecl _ismbbblank(unsigned int c);
int __cdecl _ismbbblank_l(unsigned int c, PVOID locale);
int __cdecl _ismbcblank(unsigned int c);
int __cdecl _ismbcblank_l(unsigned int c, PVOID locale);
int __cdecl __fpe_flt_rounds(void);
size_t __cdecl __std_type_info_hash(_In_ const void *info);
size_t __cdecl _Wcsftime(_Out_writes_(max) wchar_t *str, size_t max, _In_ const wchar_t *format, _In_ const struct tm *tm, PVOID data);
PVOID __cdecl _W_Gettnames(void);
int __cdecl __conio_common_vcwprintf(unsigned long long options, _In_ const wchar_t *format, PVOID locale, va_list args);
int __cdecl __conio_common_vcwprintf_s(unsigned long long options, _In_ const wchar_t *format, PVOID locale, va_list args);
int __cdecl __conio_common_vcwprintf_p(unsigned long long options, _In_ const wchar_t *format, PVOID locale, va_list args);
int __cdecl __conio_common_vcwscanf(unsigned long long options, _In_ const wchar_t *format, PVOID locale, va_list args);
int __cdecl _set_FMA3_enable(int flag);
int __cdecl _get_FMA3_enable(void);
int __cdecl ___mb_cur_max_l_func(PVOID locale);
size_t __cdecl __wcsncnt(_In_ const wchar_t *str, size_t max);
ULONG_PTR __cdecl _GetImageBase(void);
void __cdecl _SetImageBase(ULONG_PTR base);
ULONG_PTR __cdecl _GetThrowImageBase(void);
void __cdecl _SetThrowImageBase(ULONG_PTR base);
PVOID __cdecl __AdjustPointer(PVOID obj, _In_ const void *offset);
BOOL __cdecl _IsExceptionObjectToBeDestroyed(_In_ const void *obj);
PVOID __cdecl _CreateFrameInfo(_Out_ PVOID frame_info, PVOID obj);
void __cdecl _FindAndUnlinkFrame(_Inout_ PVOID frame_info);
void __cdecl _statusfp2(_Out_ unsigned int *x86_sw, _Out_ unsigned int *sse2_sw);
int __cdecl __control87_2(unsigned int newval, unsigned int mask, _Out_ unsigned int *x86_cw, _Out_ unsigned int *sse2_cw);

/* ---- user32, gdi32, shell and others */
UINT_PTR WINAPI SetSystemTimer(HWND hWnd, UINT_PTR nIDEvent, UINT uElapse, PVOID lpTimerFunc);
BOOL WINAPI KillSystemTimer(HWND hWnd, UINT_PTR uIDEvent);
BOOL WINAPI DrawCaptionTempW(HWND hWnd, HDC hDC, _In_ const RECT *lprc, HFONT hFont, HICON hIcon, _In_ LPCWSTR lpString, UINT uFlags);
UINT WINAPI PrivateExtractIconExW(_In_ LPCWSTR lpszFile, int nIconIndex, _Out_ HICON *phIconLarge, _Out_ HICON *phIconSmall, UINT nIcons);
LONG WINAPI GdiGetCharDimensions(HDC hDC, _Out_ LPTEXTMETRICW lpTextMetric, _Out_ LONG *lpHeight);
UINT WINAPI GdiGetCodePage(HDC hDC);
BOOL WINAPI GetTransform(HDC hDC, DWORD iXform, _Out_ LPXFORM lpXform);
BOOL WINAPI GetFontRealizationInfo(HDC hDC, _Inout_ PVOID lpInfo);
void WINAPI Control_RunDLLW(HWND hWnd, HINSTANCE hInst, _In_ LPCWSTR lpszCmd, DWORD nCmdShow);
HRESULT WINAPI CreateProxyFromTypeInfo(_In_ ITypeInfo *typeinfo, _In_ IUnknown *outer, REFIID iid, _Out_ PVOID *proxy, _Out_ PVOID *obj);
HRESULT WINAPI CreateStubFromTypeInfo(_In_ ITypeInfo *typeinfo, REFIID iid, _In_ IUnknown *server, _Out_ PVOID *stub);
int WINAPI MessageBoxTimeoutA(HWND hWnd, _In_ LPCSTR lpText, _In_ LPCSTR lpCaption, UINT uType, WORD wLanguageId, DWORD dwMilliseconds);
int WINAPI MessageBoxTimeoutW(HWND hWnd, _In_ LPCWSTR lpText, _In_ LPCWSTR lpCaption, UINT uType, WORD wLanguageId, DWORD dwMilliseconds);
BOOL WINAPI SetWindowCompositionAttribute(HWND hWnd, _In_ PVOID lpData);
HWND WINAPI GetTaskmanWindow(void);
BOOL WINAPI SetTaskmanWindow(HWND hWnd);
HWND WINAPI GetProgmanWindow(void);
BOOL WINAPI SetProgmanWindow(HWND hWnd);
BOOL WINAPI SetShellWindow(HWND hWnd);
BOOL WINAPI SetShellWindowEx(HWND hWnd, HWND hWndListView);
BOOL WINAPI SetDeskWallpaper(_In_ LPCSTR lpFileName);
BOOL WINAPI RegisterLogonProcess(HANDLE hProcess, BOOL bAttach);
BOOL WINAPI RegisterServicesProcess(DWORD dwServicesProcess);
DWORD WINAPI RegisterTasklist(DWORD dwUnknown);
BOOL WINAPI RegisterUserApiHook(_In_ PVOID lpHookData);
BOOL WINAPI UnregisterUserApiHook(void);
BOOL WINAPI GetProcessDpiAwarenessInternal(HANDLE hProcess, _Out_ int *lpAwareness);
BOOL WINAPI SetProcessDpiAwarenessInternal(int nAwareness);
BOOL WINAPI GetDpiForMonitorInternal(HMONITOR hMonitor, UINT uType, _Out_ UINT *lpX, _Out_ UINT *lpY);
BOOL WINAPI IsWindowRedirectedForPrint(HWND hWnd);
UINT WINAPI GetInternalWindowPos(HWND hWnd, _Out_ LPRECT lpRectWnd, _Out_ LPPOINT lpIcon);
BOOL WINAPI SetInternalWindowPos(HWND hWnd, UINT nCmdShow, _In_ LPRECT lpRect, _In_ LPPOINT lpPoint);
HICON WINAPI InternalGetWindowIcon(HWND hWnd, UINT uType);
void WINAPI CalcChildScroll(HWND hWnd, INT nScroll);
BOOL WINAPI SetSystemMenu(HWND hWnd, HMENU hMenu);
HKL WINAPI LoadKeyboardLayoutEx(HKL hklLayout, _In_ LPCWSTR pwszKLID, UINT uFlags);
BOOL WINAPI PlaySoundEvent(DWORD dwSound);
HCURSOR WINAPI GetCursorFrameInfo(HCURSOR hCursor, DWORD dwReserved, DWORD dwStep, _Out_ LPDWORD lpRateJiffies, _Out_ LPDWORD lpNumSteps);
INT_PTR WINAPI DialogBoxIndirectParamAorW(HINSTANCE hInstance, _In_ const void *lpTemplate, HWND hWndParent, DLGPROC lpDialogFunc, LPARAM dwInitParam, DWORD dwFlags);
HWND WINAPI CreateDialogIndirectParamAorW(HINSTANCE hInstance, _In_ const void *lpTemplate, HWND hWndParent, DLGPROC lpDialogFunc, LPARAM dwInitParam, DWORD dwFlags);
BOOL WINAPI LockWindowStation(HWINSTA hWinSta);
BOOL WINAPI UnlockWindowStation(HWINSTA hWinSta);

HINSTANCE WINAPI RealShellExecuteA(HWND hWnd, _In_ LPCSTR lpVerb, _In_ LPCSTR lpFile, _In_ LPCSTR lpParameters, _In_ LPCSTR lpDirectory, _Out_ LPSTR lpReturn, _In_ LPCSTR lpTitle, _In_ LPSTR lpReserved, WORD nShowCmd, _Out_ LPHANDLE lpProcess);
HINSTANCE WINAPI RealShellExecuteW(HWND hWnd, _In_ LPCWSTR lpVerb, _In_ LPCWSTR lpFile, _In_ LPCWSTR lpParameters, _In_ LPCWSTR lpDirectory, _Out_ LPWSTR lpReturn, _In_ LPCWSTR lpTitle, _In_ LPWSTR lpReserved, WORD nShowCmd, _Out_ LPHANDLE lpProcess);
HINSTANCE WINAPI WOWShellExecute(HWND hWnd, _In_ LPCSTR lpVerb, _In_ LPCSTR lpFile, _In_ LPCSTR lpParameters, _In_ LPCSTR lpDirectory, INT iShowCmd, PVOID callback);
void WINAPI ShellExec_RunDLL(HWND hWnd, HINSTANCE hInst, _In_ LPCSTR lpszCmd, int nCmdShow);
void WINAPI ShellExec_RunDLLA(HWND hWnd, HINSTANCE hInst, _In_ LPCSTR lpszCmd, int nCmdShow);
void WINAPI ShellExec_RunDLLW(HWND hWnd, HINSTANCE hInst, _In_ LPCWSTR lpszCmd, int nCmdShow);
void WINAPI OpenAs_RunDLL(HWND hWnd, HINSTANCE hInst, _In_ LPCSTR lpszCmd, int nCmdShow);
void WINAPI OpenAs_RunDLLA(HWND hWnd, HINSTANCE hInst, _In_ LPCSTR lpszCmd, int nCmdShow);
void WINAPI OpenAs_RunDLLW(HWND hWnd, HINSTANCE hInst, _In_ LPCWSTR lpszCmd, int nCmdShow);
void WINAPI Control_FillCache_RunDLLA(HWND hWnd, HANDLE hModule, DWORD w, DWORD x);
void WINAPI Control_FillCache_RunDLLW(HWND hWnd, HANDLE hModule, DWORD w, DWORD x);
void WINAPI Control_RunDLLAsUserW(HWND hWnd, HINSTANCE hInst, _In_ LPCWSTR lpszCmd, DWORD nCmdShow);
HANDLE WINAPI SHLocalAlloc(UINT uFlags, SIZE_T uBytes);
HANDLE WINAPI SHLocalFree(HANDLE hMem);
HANDLE WINAPI SHLocalReAlloc(HANDLE hMem, SIZE_T uBytes, UINT uFlags);
HRESULT WINAPI SHRegCloseKey(HKEY hKey);
LONG WINAPI SHRegOpenKeyA(HKEY hKey, _In_ LPCSTR lpSubKey, _Out_ PHKEY phkResult);
LONG WINAPI SHRegOpenKeyW(HKEY hKey, _In_ LPCWSTR lpSubKey, _Out_ PHKEY phkResult);
LONG WINAPI SHRegDeleteKeyW(HKEY hKey, _In_ LPCWSTR lpSubKey);
HRESULT WINAPI SHRegQueryValueA(HKEY hKey, _In_ LPCSTR lpSubKey, _Out_ LPSTR lpData, _Inout_ LPDWORD lpcbData);
HRESULT WINAPI SHRegQueryValueW(HKEY hKey, _In_ LPCWSTR lpSubKey, _Out_ LPWSTR lpData, _Inout_ LPDWORD lpcbData);
HRESULT WINAPI SHRegQueryValueExA(HKEY hKey, _In_ LPCSTR lpValueName, LPDWORD lpReserved, _Out_ LPDWORD lpType, _Out_writes_bytes_(lpcbData) LPBYTE lpData, _Inout_ LPDWORD lpcbData);
HRESULT WINAPI SHRegQueryValueExW(HKEY hKey, _In_ LPCWSTR lpValueName, LPDWORD lpReserved, _Out_ LPDWORD lpType, _Out_writes_bytes_(lpcbData) LPBYTE lpData, _Inout_ LPDWORD lpcbData);
BOOL WINAPI SHGetDiskFreeSpaceA(_In_ LPCSTR pszDirectoryName, _Out_ ULARGE_INTEGER *pulFreeCaller, _Out_ ULARGE_INTEGER *pulTotal, _Out_ ULARGE_INTEGER *pulFree);
int WINAPI SHHandleDiskFull(HWND hwndOwner, UINT uDrive);
BOOL WINAPI SHFindComputer(LPCITEMIDLIST pidlRoot, LPCITEMIDLIST pidlSaved);
HRESULT WINAPI RegenerateUserEnvironment(_Out_ PVOID *lpEnvironment, BOOL bReplace);
LPSTR WINAPI StrNCpyA(_Out_ LPSTR dst, _In_ LPCSTR src, int count);
LPWSTR WINAPI StrNCpyW(_Out_ LPWSTR dst, _In_ LPCWSTR src, int count);
int WINAPI StrNCmpA(_In_ LPCSTR a, _In_ LPCSTR b, int len);
int WINAPI StrNCmpW(_In_ LPCWSTR a, _In_ LPCWSTR b, int len);
int WINAPI StrNCmpIA(_In_ LPCSTR a, _In_ LPCSTR b, int len);
int WINAPI StrNCmpIW(_In_ LPCWSTR a, _In_ LPCWSTR b, int len);
LPSTR WINAPI StrRStrA(_In_ LPCSTR source, _In_ LPCSTR last, _In_ LPCSTR search);
LPWSTR WINAPI StrRStrW(_In_ LPCWSTR source, _In_ LPCWSTR last, _In_ LPCWSTR search);
HMODULE WINAPI MLLoadLibraryA(_In_ LPCSTR lpszLibFileName, HANDLE hModule, DWORD dwFlags);
HMODULE WINAPI MLLoadLibraryW(_In_ LPCWSTR lpszLibFileName, HANDLE hModule, DWORD dwFlags);
BOOL WINAPI MLFreeLibrary(HMODULE hModule);
HRESULT WINAPI SHCreateStreamWrapper(LPBYTE lpbData, DWORD dwDataLen, DWORD dwReserved, _Out_ IStream **lppStream);
DWORD WINAPI SHDeleteOrphanKeyA(HKEY hKey, _In_ LPCSTR lpszSubKey);
DWORD WINAPI SHDeleteOrphanKeyW(HKEY hKey, _In_ LPCWSTR lpszSubKey);
BOOL WINAPI SHIsChildOrSelf(HWND hParent, HWND hChild);
HRESULT WINAPI pgr_DllGetVersion(_Inout_ PVOID pdvi) __asm__("?pgr-export DllGetVersion");

BOOL WINAPI CreateUrlCacheContainerA(_In_ LPCSTR Name, _In_ LPCSTR Prefix, _In_ LPCSTR Directory, DWORD CacheLimit, DWORD ContainerType, DWORD CreateOptions, PVOID CreateBuffer, _Inout_ LPDWORD CreateBufferSize);
BOOL WINAPI CreateUrlCacheContainerW(_In_ LPCWSTR Name, _In_ LPCWSTR Prefix, _In_ LPCWSTR Directory, DWORD CacheLimit, DWORD ContainerType, DWORD CreateOptions, PVOID CreateBuffer, _Inout_ LPDWORD CreateBufferSize);
BOOL WINAPI DeleteUrlCacheContainerA(_In_ LPCSTR Name, DWORD dwOptions);
BOOL WINAPI DeleteUrlCacheContainerW(_In_ LPCWSTR Name, DWORD dwOptions);
HANDLE WINAPI FindFirstUrlCacheContainerA(_Inout_ LPDWORD lpdwModified, _Out_ PVOID lpContainerInfo, _Inout_ LPDWORD lpcbContainerInfo, DWORD dwOptions);
HANDLE WINAPI FindFirstUrlCacheContainerW(_Inout_ LPDWORD lpdwModified, _Out_ PVOID lpContainerInfo, _Inout_ LPDWORD lpcbContainerInfo, DWORD dwOptions);
BOOL WINAPI FindNextUrlCacheContainerA(HANDLE hEnumHandle, _Out_ PVOID lpContainerInfo, _Inout_ LPDWORD lpcbContainerInfo);
BOOL WINAPI FindNextUrlCacheContainerW(HANDLE hEnumHandle, _Out_ PVOID lpContainerInfo, _Inout_ LPDWORD lpcbContainerInfo);
BOOL WINAPI FreeUrlCacheSpaceA(_In_ LPCSTR lpszCachePath, DWORD dwSize, DWORD dwFilter);
BOOL WINAPI FreeUrlCacheSpaceW(_In_ LPCWSTR lpszCachePath, DWORD dwSize, DWORD dwFilter);
BOOL WINAPI InternetWriteFileExA(HINTERNET hFile, _In_ LPINTERNET_BUFFERSA lpBuffersIn, DWORD dwFlags, DWORD_PTR dwContext);
BOOL WINAPI InternetWriteFileExW(HINTERNET hFile, _In_ LPINTERNET_BUFFERSW lpBuffersIn, DWORD dwFlags, DWORD_PTR dwContext);
DWORD WINAPI DeleteWpadCacheForNetworks(DWORD dwFlags);
BOOL WINAPI UpdateUrlCacheContentPath(_In_ LPCSTR lpszNewPath);

NTSTATUS WINAPI BCryptAddContextFunctionProvider(ULONG dwTable, _In_ LPCWSTR pszContext, ULONG dwInterface, _In_ LPCWSTR pszFunction, _In_ LPCWSTR pszProvider, ULONG dwPosition);
NTSTATUS WINAPI BCryptRegisterProvider(_In_ LPCWSTR pszProvider, ULONG dwFlags, _In_ PVOID pReg);
NTSTATUS WINAPI BCryptUnregisterProvider(_In_ LPCWSTR pszProvider);

DWORD WINAPI I_CryptAllocTls(void);
PVOID WINAPI I_CryptGetTls(DWORD dwTlsIndex);
BOOL WINAPI I_CryptSetTls(DWORD dwTlsIndex, PVOID lpTlsValue);
PVOID WINAPI I_CryptDetachTls(DWORD dwTlsIndex);
BOOL WINAPI I_CryptFreeTls(DWORD dwTlsIndex, DWORD dwUnknown);
HCRYPTPROV WINAPI I_CryptGetDefaultCryptProv(DWORD dwReserved);
PVOID WINAPI I_CryptGetOssGlobal(DWORD dwUnknown);
BOOL WINAPI I_CryptInstallOssGlobal(DWORD x, DWORD y, DWORD z);
BOOL WINAPI I_CryptCreateLruCache(_In_ PVOID pConfig, _Out_ PVOID *out);
BOOL WINAPI I_CryptFindLruEntry(DWORD x, DWORD y);
DWORD WINAPI I_CryptFlushLruCache(PVOID h, DWORD x, DWORD y);
DWORD WINAPI I_CryptFreeLruCache(PVOID h, DWORD x, DWORD y);
BOOL WINAPI I_CertUpdateStore(HCERTSTORE store1, HCERTSTORE store2, DWORD x, DWORD y);

#define PGR_USER_MARSHAL(name)                                                                     \
    ULONG WINAPI name##_UserSize(_In_ ULONG *pFlags, ULONG StartingSize, _In_ PVOID pObject);      \
    unsigned char *WINAPI name##_UserMarshal(_In_ ULONG *pFlags, _Inout_ unsigned char *pBuffer,   \
                                             _In_ PVOID pObject);                                  \
    unsigned char *WINAPI name##_UserUnmarshal(_In_ ULONG *pFlags, _In_ unsigned char *pBuffer,    \
                                               _Out_ PVOID pObject);                               \
    void WINAPI name##_UserFree(_In_ ULONG *pFlags, _In_ PVOID pObject);
PGR_USER_MARSHAL(HBRUSH)
PGR_USER_MARSHAL(HENHMETAFILE)
PGR_USER_MARSHAL(HMETAFILE)
PGR_USER_MARSHAL(HMETAFILEPICT)
HRESULT WINAPI CoGetState(_Out_ IUnknown **ppv);
HRESULT WINAPI CoSetState(_In_ IUnknown *pv);
HRESULT WINAPI RoGetAgileReference(int options, REFIID riid, _In_ IUnknown *obj, _Out_ PVOID *agile_reference);

/* ---- gdi32: thunks to the graphics kernel */
#define PGR_D3DKMT(name) NTSTATUS WINAPI D3DKMT##name(_Inout_ PVOID pData);
PGR_D3DKMT(CheckVidPnExclusiveOwnership)
PGR_D3DKMT(CloseAdapter)
PGR_D3DKMT(CreateAllocation)
PGR_D3DKMT(CreateAllocation2)
PGR_D3DKMT(CreateDCFromMemory)
PGR_D3DKMT(CreateDevice)
PGR_D3DKMT(CreateKeyedMutex)
PGR_D3DKMT(CreateKeyedMutex2)
PGR_D3DKMT(CreateSynchronizationObject)
PGR_D3DKMT(CreateSynchronizationObject2)
PGR_D3DKMT(DestroyAllocation)
PGR_D3DKMT(DestroyAllocation2)
PGR_D3DKMT(DestroyDCFromMemory)
PGR_D3DKMT(DestroyDevice)
PGR_D3DKMT(DestroyKeyedMutex)
PGR_D3DKMT(DestroySynchronizationObject)
PGR_D3DKMT(EnumAdapters)
PGR_D3DKMT(EnumAdapters2)
PGR_D3DKMT(Escape)
PGR_D3DKMT(OpenAdapterFromDeviceName)
PGR_D3DKMT(OpenAdapterFromGdiDisplayName)
PGR_D3DKMT(OpenAdapterFromHdc)
PGR_D3DKMT(OpenAdapterFromLuid)
PGR_D3DKMT(OpenKeyedMutex)
PGR_D3DKMT(OpenKeyedMutex2)
PGR_D3DKMT(OpenKeyedMutexFromNtHandle)
PGR_D3DKMT(OpenResource)
PGR_D3DKMT(OpenResource2)
PGR_D3DKMT(OpenResourceFromNtHandle)
PGR_D3DKMT(OpenSyncObjectFromNtHandle)
PGR_D3DKMT(OpenSyncObjectFromNtHandle2)
PGR_D3DKMT(OpenSyncObjectNtHandleFromName)
PGR_D3DKMT(OpenSynchronizationObject)
PGR_D3DKMT(QueryAdapterInfo)
PGR_D3DKMT(QueryResourceInfo)
PGR_D3DKMT(QueryResourceInfoFromNtHandle)
PGR_D3DKMT(QueryStatistics)
PGR_D3DKMT(QueryVideoMemoryInfo)
PGR_D3DKMT(SetQueuedLimit)
PGR_D3DKMT(SetVidPnSourceOwner)
NTSTATUS WINAPI D3DKMTShareObjects(UINT cObjects, _In_reads_(cObjects) const UINT *hObjects, _In_ PVOID pObjectAttributes, DWORD dwDesiredAccess, _Out_ HANDLE *phSharedNtHandle);
HDC WINAPI GdiConvertDC(HDC hdc);
HBITMAP WINAPI GdiConvertBitmap(HBITMAP hbm);
HBRUSH WINAPI GdiConvertBrush(HBRUSH hbr);
HFONT WINAPI GdiConvertFont(HFONT hfont);
HPALETTE WINAPI GdiConvertPalette(HPALETTE hpal);
HRGN WINAPI GdiConvertRegion(HRGN hrgn);
BOOL WINAPI GdiIsMetaFileDC(HDC hdc);
BOOL WINAPI GdiIsMetaPrintDC(HDC hdc);
BOOL WINAPI GdiIsPlayMetafileDC(HDC hdc);
BOOL WINAPI GdiRealizationInfo(HDC hdc, _Out_ PVOID info);
BOOL WINAPI GdiSwapBuffers(HDC hdc);
int WINAPI GdiDescribePixelFormat(HDC hdc, int fmt, UINT size, _Out_ PVOID pfd);
BOOL WINAPI GdiSetPixelFormat(HDC hdc, int fmt, _In_ const void *pfd);
BOOL WINAPI GetCharWidthInfo(HDC hdc, _Out_ PVOID info);
BOOL WINAPI GetFontFileData(DWORD instance_id, DWORD file_index, UINT64 offset, _Out_writes_bytes_(buff_size) PVOID buff, DWORD buff_size);
BOOL WINAPI GetFontFileInfo(DWORD instance_id, DWORD file_index, _Out_writes_bytes_(size) PVOID info, SIZE_T size, _Out_ PSIZE_T needed);
BOOL WINAPI GetFontResourceInfoW(_In_ LPCWSTR str, _Inout_ LPDWORD size, _Out_writes_bytes_(size) PVOID buffer, DWORD type);
BOOL WINAPI MirrorRgn(HWND hwnd, HRGN hrgn);
int WINAPI GetRelAbs(HDC hdc, DWORD dwIgnore);
int WINAPI SetRelAbs(HDC hdc, int mode);
BOOL WINAPI SetMagicColors(HDC hdc, COLORREF color, ULONG index);
DWORD WINAPI SetVirtualResolution(HDC hdc, DWORD horz_res, DWORD vert_res, DWORD horz_size, DWORD vert_size);
